import { expect, it } from 'vitest';
import { type PlannedGeneration, planDynamoDbFaults, planGeneration, planWiroFaults } from './chaos-plan.ts';

const TIMES = {
  callbackLate: 1_000,
  runLate: 100,
  listLag: 500,
  task: 1_000,
  shortTask: 100,
  longTask: 9_000,
};
const COUNT = 2_000;
const planned = Array.from({ length: COUNT }, (_, index) => planGeneration(7, index));

/** Every answer that these generations get to three Runs, looks and downloads each. */
function wiroFaults(generations: readonly PlannedGeneration[]) {
  const plan = planWiroFaults(7, planned, TIMES);
  const faults = new Map<string, unknown>();
  for (const operation of ['Run', 'Task/Detail', 'cdn', 'task', 'callback'] as const)
    for (const { id } of generations)
      for (const ordinal of [1, 2, 3])
        faults.set(
          `${operation} ${ordinal} ${id}`,
          plan(operation, { callbackUrl: `http://host/local/${id}/1/sum` }),
        );
  return faults;
}

it('decides every fault by generation, operation and ordinal, whoever comes first', () => {
  const some = planned.slice(0, 200);

  const inOrder = wiroFaults(some);
  const reversed = wiroFaults(some.toReversed());

  expect([...reversed].sort()).toEqual([...inOrder].sort());
});

it.each([
  [200, 25],
  [2_000, 7],
])('has files dropped, and some of a kind that Wiro does not take: %i by the seed %i', (count, seed) => {
  const some = Array.from({ length: count }, (_, index) => planGeneration(seed, index));

  expect(new Set(some.map(({ drop }) => drop))).toEqual(new Set([undefined, 'twice', 'thrice']));
  expect(some.map(({ end }) => end)).toContain('kindRefused');
});

it('plans other faults for another seed', () => {
  const others = Array.from({ length: COUNT }, (_, index) => planGeneration(8, index));

  expect(others.map(({ callback }) => callback)).not.toEqual(planned.map(({ callback }) => callback));
});

it('strikes as often as it says', () => {
  const share = (isStruck: (generation: PlannedGeneration) => boolean) =>
    planned.filter(isStruck).length / planned.length;
  const fateOf = planDynamoDbFaults(7, planned);
  const fates = planned.flatMap(({ id }) => Array.from({ length: 30 }, () => fateOf(id, 'PutItem', '')));
  const runs = [...wiroFaults(planned)].filter(([name]) => name.startsWith('Run 3'));
  const resets = runs.filter(([, faults]) => JSON.stringify(faults).includes('"reset"'));

  const shares = {
    lost: share(({ callback }) => callback === 'lost'),
    duplicated: share(({ callback }) => callback === 'duplicated'),
    late: share(({ callback }) => callback === 'late'),
    otherShape: share(({ callback }) => callback === 'otherShape'),
    early: share(({ early }) => early !== undefined),
    reset: resets.length / runs.length,
    throttled: fates.filter((fate) => fate === 'throttled').length / fates.length,
  };
  const meant = {
    lost: 0.2,
    duplicated: 0.2,
    late: 0.1,
    otherShape: 0.1,
    early: 0.1,
    reset: 0.05,
    throttled: 0.015,
  };
  const off = Object.entries(meant).filter(([name, value]) => {
    const measured = shares[name as keyof typeof shares];
    return Math.abs(measured - value) > 0.025;
  });
  expect(off, JSON.stringify(shares)).toEqual([]);
  expect(fates.filter((fate) => fate.startsWith('killed'))).toHaveLength(
    planned.filter(({ killedAt }) => killedAt).length,
  );
});
