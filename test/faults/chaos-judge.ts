import { createHash } from 'node:crypto';
import type { Output } from '../../functions/generation/generation.ts';
import type { ChaosGeneration, ChaosResult, DroppedFile, EndedGeneration } from './chaos-run.ts';

/** Something that must not be. */
export interface Wrong {
  /** The generation, or what else it concerns. */
  readonly id: string;
  readonly why: string;
}

const RIGHT_END = {
  succeeds: 'succeeded',
  failsAtModel: 'failed',
  cancelledAtWiro: 'cancelled',
  refusedForGood: 'failed',
  killsCollectors: 'failed',
  kindRefused: 'failed',
} as const;
const RIGHT_CODE: Partial<Record<ChaosGeneration['planned']['end'], string>> = {
  refusedForGood: 'upstream_refused',
  killsCollectors: 'function_killed',
  kindRefused: 'input_unsupported',
};

/** Compares what became of every generation with what was planned, and with what Wiro and its CDN have. */
export async function judgeChaos(result: ChaosResult): Promise<readonly Wrong[]> {
  const wrongs: Wrong[] = [];
  for (const generation of result.generations) {
    const { id, index } = generation.planned;
    const whys = [...judgeState(generation), ...(await judgeOutputs(generation, result))];
    wrongs.push(...whys.map((why) => ({ id: `${id} (#${index})`, why })));
  }
  for (const drop of result.drops)
    wrongs.push(...(await judgeDrop(drop, result)).map((why) => ({ id: drop.name, why })));
  const { slots, unanswered, waitingSince } = result.gate;
  if (slots !== undefined || unanswered !== undefined || waitingSince !== undefined)
    wrongs.push({ id: 'gate', why: `is not empty: ${describe(result.gate)}` });
  for (const id of result.due) wrongs.push({ id, why: 'is due for something still' });
  for (const { id, callbackUrl } of result.strangers)
    if (callbackUrl !== '')
      wrongs.push({ id: `task ${id}`, why: `belongs to no generation: ${callbackUrl}` });
  const dropped = result.drops.flatMap(({ generations }) => generations);
  const ours = [...result.generations, ...dropped].flatMap(({ tasks }) => tasks);
  const costs = [...ours, ...result.strangers].map(({ costUsd }) => costUsd);
  const cost = costs.reduce((sum, one) => sum + one, 0);
  if (Math.abs(cost - result.chargedUsd) > 1e-6)
    wrongs.push({ id: 'charges', why: `${result.chargedUsd} was charged, and the tasks cost ${cost}` });
  for (const { facts } of result.logs)
    if (facts?.alarm === 'second_task')
      wrongs.push({ id: String(facts.generationId), why: 'raised the alarm "second_task"' });
  return wrongs;
}

/** However often it was written: one generation, one task, and the outputs of that. */
async function judgeDrop({ generations }: DroppedFile, result: ChaosResult): Promise<string[]> {
  const [only, ...others] = generations;
  if (only === undefined) return ['was dropped, and nothing came of it'];
  if (others.length > 0) return [`was dropped once, and became ${generations.length} generations`];
  const whys = await judgeOutputs(only, result);
  if (only.item?.status !== 'succeeded') whys.push(`ended as ${describe(only.item)}`);
  if (only.tasks.length !== 1) whys.push(`has ${only.tasks.length} tasks`);
  if (only.told.length === 0 || only.told.some((status) => status !== 'succeeded'))
    whys.push(`is told as ${only.told.join(', ') || 'nothing'}`);
  return whys;
}

function judgeState({ planned, item, told, tasks }: ChaosGeneration): string[] {
  if (item === undefined) return ['was never stored, though its client was told 202'];
  const whys: string[] = [];
  const status = String(item.status);
  const right = rightEnds(planned, tasks);
  if (!right.includes(status))
    whys.push(`ended as ${describe(item)}, and ${right.join(' or ')} would be right`);
  const code = RIGHT_CODE[planned.end];
  if (code !== undefined && (item.error as { code?: string } | undefined)?.code !== code)
    whys.push(`ended as ${describe(item)}, and ${code} would be right`);
  if (told.length === 0) whys.push(`is ${status}, and no event told of its end`);
  if (told.some((one) => one !== status)) whys.push(`is ${status}, and events told of ${told.join(', ')}`);
  for (const left of ['dueAt', 'claim'])
    if (item[left] !== undefined) whys.push(`is ${status} and has a ${left} left`);
  if ((item.announcements as unknown[]).length > 0) whys.push('has announcements left');

  const attempts = new Map<string, number>();
  for (const { callbackUrl } of tasks) attempts.set(callbackUrl, (attempts.get(callbackUrl) ?? 0) + 1);
  for (const [url, count] of attempts)
    if (count > 1) whys.push(`has ${count} tasks for one attempt (${tasks.map(({ id }) => id)}): ${url}`);
  // A run that failed goes once more where its inputs were uploaded for another: they may have been dropped.
  const mayRunAgain = planned.end === 'failsAtModel' && planned.pictures.length > 0;
  if (attempts.size > (mayRunAgain ? 2 : 1)) whys.push(`was run in ${attempts.size} attempts`);
  const charged = tasks.filter(({ costUsd }) => costUsd > 0);
  const isPaid = status === 'succeeded' || planned.end === 'killsCollectors';
  if (charged.length > (isPaid ? 1 : 0)) whys.push(`is ${status} and was charged ${charged.length} times`);
  if (status === 'succeeded' && Math.abs(Number(item.costUsd) - (charged[0]?.costUsd ?? 0)) > 1e-6)
    whys.push(`says that it cost ${item.costUsd}, and Wiro charged ${charged[0]?.costUsd}`);
  return whys;
}

/** Where a client wished to cancel, the task decides; without a task it is cancelled. */
function rightEnds(
  { end, cancelWish }: ChaosGeneration['planned'],
  tasks: ChaosGeneration['tasks'],
): string[] {
  if (cancelWish === undefined) return [RIGHT_END[end]];
  const last = tasks.at(-1);
  if (last === undefined) return ['cancelled'];
  if (!last.isOver) return [];
  if (last.status === 'task_cancel') return ['cancelled'];
  return [last.status === 'task_postprocess_end' && last.exitCode === '0' ? 'succeeded' : 'failed'];
}

async function judgeOutputs(
  { item, outputs, tasks }: EndedGeneration,
  { readOutput, readCdn }: ChaosResult,
): Promise<string[]> {
  if (item?.status !== 'succeeded') return [];
  const urls = tasks.at(-1)?.outputUrls ?? [];
  if (urls.length === 0) return ['succeeded without outputs'];
  if (outputs.length !== urls.length) return [`has ${outputs.length} outputs, and its task ${urls.length}`];
  const whys = await Promise.all(
    outputs.map(async (output: Output, index) => {
      const stored = await readOutput(output);
      if (stored === undefined) return `lacks its output ${output.key}`;
      const sum = sha256(stored);
      if (sum !== output.sha256) return `recorded another SHA-256 than ${output.key} has`;
      if (sum !== sha256(await readCdn(urls[index] ?? ''))) return `${output.key} differs from the CDN's`;
      return undefined;
    }),
  );
  return whys.filter((why) => why !== undefined);
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const describe = (value: unknown) =>
  JSON.stringify(value, (_name, part) => (part instanceof Set ? [...part] : part));
