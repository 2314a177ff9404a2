import { createHash } from 'node:crypto';
import type { Output, Status } from '../../functions/generation/generation.ts';
import { countedSort, END_STATUSES, marksOf } from '../../functions/store/usage-item.ts';
import type { Expected } from './flows.ts';
import type { Item, World } from './world.ts';

const ENDS: ReadonlySet<string> = new Set<Status>(['succeeded', 'failed', 'cancelled']);

/** What is left to do, item by item; empty once everything that was asked for is over and told. */
export function unfinished(items: readonly Item[]): readonly string[] {
  return items.flatMap((item) =>
    item.sk === 'state' ? unfinishedOf(item) : item.pk === 'gate' ? unfreed(item) : [],
  );
}

function unfinishedOf(item: Item): readonly string[] {
  const { pk, status, dueAt, announcements } = item;
  const isOver = ENDS.has(String(status));
  return [
    ...(isOver ? [] : [`${pk} is ${status}`]),
    ...(dueAt === undefined ? [] : [`${pk} is due at ${dueAt}`]),
    ...(Array.isArray(announcements) && announcements.length > 0 ? [`${pk} is not announced`] : []),
  ];
}

function unfreed({ slots, unanswered, waitingSince }: Item): readonly string[] {
  return [
    ...(slots === undefined ? [] : [`the gate has slots ${[...(slots as Set<string>)]}`]),
    ...(unanswered === undefined ? [] : [`the gate awaits ${[...(unanswered as Set<string>)]}`]),
    ...(waitingSince === undefined ? [] : [`the gate keeps a line since ${waitingSince}`]),
  ];
}

/** Compares what became of a run of a flow with what was to become of it. @returns What is wrong. */
export async function findProblems(
  world: World,
  items: readonly Item[],
  expected: readonly Expected[],
  before: { readonly chargedUsd: number; readonly uploads: number; readonly logs: number },
  uploads: { readonly expected: number; readonly orphans: number },
): Promise<readonly string[]> {
  const { simulator, environment } = world;
  const problems: string[] = [];
  const found = items.filter(({ sk }) => sk === 'state');
  if (found.length !== expected.length)
    problems.push(`there are ${found.length} generations instead of ${expected.length}`);
  for (const one of expected) problems.push(...(await problemsOf(world, items, one)));

  const ends = countedEnds(items);
  if (ends !== expected.length) problems.push(`usage counts ${ends} ends instead of ${expected.length}`);

  const charged = simulator.chargedUsd() - before.chargedUsd;
  const wanted = expected.reduce((sum, { chargedUsd }) => sum + chargedUsd, 0);
  if (!isSameAmount(charged, wanted)) problems.push(`Wiro charged $${charged} instead of $${wanted}`);

  const uploaded = simulator.uploads().length - before.uploads;
  if (uploaded < uploads.expected || uploaded > uploads.expected + uploads.orphans)
    problems.push(`${uploaded} files were uploaded instead of ${uploads.expected}`);
  for (const { pk, holder } of items)
    if (String(pk).startsWith('upload#') && holder !== undefined)
      problems.push(`${pk} is still held by ${holder}`);
  problems.push(...(await world.openUploads()).map((key) => `an upload of ${key} is open`));
  for (const { message, facts } of environment.logs().slice(before.logs))
    if (facts?.alarm !== undefined) problems.push(`an alarm was raised (${facts.alarm}): ${message}`);
  return problems;
}

/** The ends that usage counts, without what a killed function counted a second time. */
function countedEnds(items: readonly Item[]): number {
  const rows = items.filter(({ pk, sk }) => String(pk).startsWith('usage#') && String(sk).startsWith('row#'));
  const surplus = rows.flatMap(marksOf).filter(({ id, attempt, token }) => {
    const own = items.find(({ pk, sk }) => pk === `generation#${id}` && sk === countedSort(attempt));
    return own !== undefined && own.token !== token;
  });
  const counted = rows.flatMap((row) => END_STATUSES.map((status) => Number(row[status] ?? 0)));
  return counted.reduce((sum, count) => sum + count, 0) - surplus.length;
}

async function problemsOf(world: World, items: readonly Item[], expected: Expected): Promise<string[]> {
  const { simulator, environment } = world;
  const { id, status, code, resultsPrefix } = expected;
  const item = items.find(({ pk, sk }) => pk === `generation#${id}` && sk === 'state');
  if (item === undefined) return [`generation ${id} does not exist`];
  const problems: string[] = [];
  const claim = (what: string, is: unknown, wanted: unknown) => {
    if (is !== wanted) problems.push(`${what} of ${id} is ${is} instead of ${wanted}`);
  };
  claim('the status', item.status, status);
  claim('the error', (item.error as { readonly code?: string } | undefined)?.code, code);
  claim('the attempt', item.attempt, 1);
  if (item.claim !== undefined) problems.push(`a claim on ${id} is left`);

  const tasks = simulator.tasks().filter(({ callbackUrl }) => callbackUrl.includes(`/${id}/`));
  claim('the number of tasks', tasks.length, expected.tasks);
  const costUsd = tasks.reduce((sum, task) => sum + task.costUsd, 0);
  if (!isSameAmount(costUsd, expected.chargedUsd))
    problems.push(`${id} cost $${costUsd} instead of $${expected.chargedUsd}`);
  if (status === 'succeeded') claim('the recorded cost', item.costUsd, expected.chargedUsd);
  for (const task of tasks) if (!task.isOver) problems.push(`task ${task.id} of ${id} still runs`);

  const record = items.find(({ pk, sk }) => pk === `generation#${id}` && sk === 'outputs#1');
  const outputs = record === undefined ? [] : (JSON.parse(String(record.body)) as Output[]);
  claim('the number of outputs', outputs.length, expected.outputs);
  const urls = tasks.flatMap(({ outputUrls }) => outputUrls);
  for (const [index, output] of outputs.entries())
    problems.push(...(await problemsOfOutput(world, output, urls[index])));

  const told = environment.events().filter(({ detail }) => detail.id === id);
  const ends = new Set(told.map((event) => event['detail-type']).filter((type) => !type.endsWith('Running')));
  claim('the last word on the bus', [...ends].join(), `Generation ${status.replace(/^./, upper)}`);
  if (expected.tasks > 0 && !told.some((event) => event['detail-type'] === 'Generation Running'))
    problems.push(`nobody was told that ${id} runs`);

  if (resultsPrefix !== undefined) {
    const { inputBucket } = environment.endpoints;
    const [key = '', ...others] = await world.keys(inputBucket, resultsPrefix);
    const bytes = await world.object(inputBucket, key);
    const { results = [], pending } = JSON.parse(bytes?.toString('utf8') ?? '{}') as {
      results?: Item[];
      pending?: number;
    };
    claim('the number of further results files', others.length, 0);
    claim('what is pending in the results file', pending, 0);
    claim(
      'the results file',
      results.map((result) => `${result.id} ${result.status}`).join(),
      `${id} ${status}`,
    );
  }
  return problems;
}

/** The same bytes in S3, at Wiro's and in the record. */
async function problemsOfOutput(world: World, output: Output, url: string | undefined): Promise<string[]> {
  const stored = await world.object(output.bucket, output.key);
  if (stored === undefined) return [`the output ${output.key} is not in S3`];
  if (url === undefined) return [`the output ${output.key} came from nowhere`];
  const served = Buffer.from(await (await fetch(url)).arrayBuffer());
  const sums = { 'S3 has': sha256(stored), 'Wiro has': sha256(served), 'the record says': output.sha256 };
  return new Set(Object.values(sums)).size === 1
    ? []
    : [`the sums of ${output.key} differ: ${JSON.stringify(sums)}`];
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const upper = (letter: string) => letter.toUpperCase();
const isSameAmount = (a: number, b: number) => Math.abs(a - b) < 1e-6;
