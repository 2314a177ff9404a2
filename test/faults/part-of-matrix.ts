import { expect } from 'vitest';
import { type CrashMatrixOptions, describeFailure, formatTable, runCrashMatrix } from './crash-matrix.ts';
import { FLOWS } from './flows.ts';

const SEED = 1;

/**
 * Every Run, mark and terminal write of the flows that are variants of others, or of those that are not, and as much of
 * a seeded tenth of their other calls as begins within the budget. `npm run test:faults` runs all of all.
 */
export async function expectPartRight(
  isVariant: boolean,
  { budgetMs }: Pick<CrashMatrixOptions, 'budgetMs'> = {},
): Promise<void> {
  const names = FLOWS.filter((flow) => (flow.isVariant ?? false) === isVariant).map(({ name }) => name);

  const flows = await runCrashMatrix({
    share: 0.1,
    seed: SEED,
    flows: names,
    ...(budgetMs !== undefined && { budgetMs }),
  });

  const failures = flows.flatMap(({ flow, problems, state = '', outcomes }) => [
    ...problems.map((problem) => `✗ ${flow}, undisturbed: ${problem}\n${state}`),
    ...outcomes
      .filter((outcome) => outcome.problems.length > 0)
      .map((outcome) => describeFailure(outcome, SEED)),
  ]);
  expect(failures.join('\n\n'), formatTable(flows)).toBe('');
  // Six for each flow at the least: who met no call has killed nobody.
  const killed = flows.flatMap(({ outcomes }) => outcomes.filter((outcome) => outcome.killed !== undefined));
  expect(killed.length).toBeGreaterThan(5 * names.length);
}
