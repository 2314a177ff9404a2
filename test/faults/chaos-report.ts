import type { Wrong } from './chaos-judge.ts';
import type { ChaosGeneration, ChaosResult } from './chaos-run.ts';

/** The table of a chaos run. */
export function reportChaos(result: ChaosResult): string {
  const { generations, options, logs, callbacks, fates } = result;
  const count = (isCounted: (generation: ChaosGeneration) => boolean) => generations.filter(isCounted).length;
  const ended = (status: string) => count(({ item }) => item?.status === status);
  /** Generations that a line of the functions' logs names. */
  const logged = (message: string, facts: Readonly<Record<string, unknown>> = {}) =>
    new Set(
      logs
        .filter((log) => log.message === message)
        .filter((log) => Object.entries(facts).every(([name, value]) => log.facts?.[name] === value))
        .map((log) => log.facts?.generationId),
    ).size;
  const lines = (message: string) => logs.filter((log) => log.message === message).length;
  const delivered = callbacks.filter(({ outcome }) => outcome === 'delivered');
  const tasks = generations.flatMap((generation) => generation.tasks);
  const rows: readonly (readonly [string, string | number])[] = [
    ['generations requested', generations.length],
    ['succeeded', ended('succeeded')],
    [
      'failed rightly',
      count(({ planned, item }) => planned.end === 'failsAtModel' && item?.status === 'failed'),
    ],
    ['of a kind that Wiro does not take', count(({ planned }) => planned.end === 'kindRefused')],
    ['files dropped beside, each written two or three times', result.drops.length],
    ['cancelled (wished, or at Wiro)', ended('cancelled')],
    ['wished cancelled, and succeeded all the same', count(isTooLate)],
    ['tasks created', tasks.length],
    ['tasks charged', tasks.filter(({ costUsd }) => costUsd > 0).length],
    ['charged, USD', result.chargedUsd.toFixed(2)],
    [
      'ran once more with fresh uploads',
      logged('A run with reused uploads failed and goes once more with fresh ones'),
    ],
    ['Runs whose answer was lost', lines('A Run was not answered')],
    ['adopted by a search', logged('A lost Run was searched for', { result: 'found' })],
    ['adopted by a callback', logged('A task was adopted by its callback')],
    ['taken up by reconcile', logged('Took up what was due')],
    ['not submitted yet', logged('Took up what was due', { status: 'queued' })],
    ['its Run not answered', logged('Took up what was due', { status: 'submitting' })],
    ['running, and no word of it', logged('Took up what was due', { done: 'collected' })],
    ['its end not announced', logged('Took up what was due', { done: 'announced' })],
    ['Runs refused', lines('A Run was refused')],
    ['of these by the concurrency limit (96)', refusals(result)],
    ['callbacks delivered', delivered.length],
    ['again for a task', delivered.length - new Set(delivered.map(({ taskId }) => taskId)).size],
    ['after the end, ignored', lines('A callback changed nothing')],
    ['callbacks never delivered', callbacks.filter(({ outcome }) => outcome === 'lost').length],
    ['functions killed', result.killed],
    [
      'DynamoDB: throttled, failed, unanswered',
      `${fates.throttled}, ${fates.failed}, ${fates.writtenUnanswered}`,
    ],
    ['requests that the client repeated', result.askedAgain],
    ['seconds', (result.elapsedMs / 1_000).toFixed(0)],
  ];
  const causes = CAUSES.flatMap(([name, isCause]) => {
    const some = generations.filter((generation) => isCause(generation));
    if (some.length === 0) return [];
    const whole = times(some, ({ item }) => millisecondsOf(item?.createdAt));
    const own = times(some, ({ tasks: made }) => made.at(-1)?.endedAt);
    return [`${name.padEnd(34)}${String(some.length).padStart(6)}${whole}${own}`];
  });
  return [
    `Chaos: ${options.generations} generations, seed ${options.seed}`,
    '',
    ...rows.map(([name, value]) => `${name.padEnd(46)}${String(value).padStart(14)}`),
    '',
    `${'time to result, seconds'.padEnd(40)}    from acceptance    from the task's end`,
    `${''.padEnd(40)}     median   worst      median   worst`,
    ...causes,
  ].join('\n');
}

/** What is wrong, and how to see it again. */
export function reportWrongs(wrongs: readonly Wrong[], { options, logs }: ChaosResult): string {
  const MOST = 20;
  const shown = wrongs.slice(0, MOST).map(({ id, why }) => {
    const [plain = ''] = id.split(' ');
    const story = logs
      .filter(({ facts }) => facts?.generationId === plain)
      .map(({ at, functionName, message, facts }) => {
        const { generationId: _, ...rest } = facts ?? {};
        return `    ${at.toISOString().slice(11, 23)} ${functionName.split('-').at(-1)}: ${message} ${JSON.stringify(rest)}`;
      });
    return [`  ${id} ${why}`, ...story].join('\n');
  });
  return [
    `${wrongs.length} wrong:`,
    ...shown,
    ...(wrongs.length > MOST ? [`  … and ${wrongs.length - MOST} more`] : []),
    `Again: npm run chaos -- --generations ${options.generations} --seed ${options.seed}`,
  ].join('\n');
}

const isTooLate = ({ planned, item }: ChaosGeneration) =>
  planned.cancelWish !== undefined && item?.status === 'succeeded';

const refusals = ({ logs }: ChaosResult) =>
  logs.filter(({ message, facts }) => message === 'A Run was refused' && facts?.reason === 'concurrencyLimit')
    .length;

const CAUSES: readonly (readonly [string, (generation: ChaosGeneration) => boolean])[] = [
  ['all', () => true],
  ['callback right', ({ planned }) => planned.callback === 'right'],
  ['callback lost', ({ planned }) => planned.callback === 'lost'],
  ['callback duplicated', ({ planned }) => planned.callback === 'duplicated'],
  ['callback late', ({ planned }) => planned.callback === 'late'],
  ['callback in another shape', ({ planned }) => planned.callback === 'otherShape'],
  ['callback before the Run answer', ({ planned }) => planned.early !== undefined],
  ['burst of 429 or 500', ({ planned }) => planned.burst !== undefined],
  ['function killed', ({ planned }) => planned.killedAt !== undefined],
  ['model failure', ({ planned }) => planned.end === 'failsAtModel'],
  ['wished cancelled', ({ planned }) => planned.cancelWish !== undefined],
];

const millisecondsOf = (timestamp: unknown) =>
  typeof timestamp === 'string' ? Date.parse(timestamp) : undefined;

function times(
  generations: readonly ChaosGeneration[],
  from: (generation: ChaosGeneration) => number | undefined,
): string {
  const spans = generations
    .flatMap((generation) => {
      const [start, end] = [from(generation), millisecondsOf(generation.item?.endedAt)];
      return start === undefined || end === undefined ? [] : [Math.max(0, end - start) / 1_000];
    })
    .sort((one, other) => one - other);
  const shown = [spans[Math.floor(spans.length / 2)], spans.at(-1)];
  const [median, worst] = shown.map((span) => (span === undefined ? '-' : span.toFixed(1)));
  return `  ${String(median).padStart(9)}${String(worst).padStart(8)}`;
}
