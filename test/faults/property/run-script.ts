import { generationId } from '../../../functions/request/identity.ts';
import { compileFunctions } from './containers.ts';
import { type Broken, describeEnd, Judge } from './judge.ts';
import type { AskedGeneration, Script } from './script.ts';
import { MAXIMUM_WAIT_MS, System } from './system.ts';
import { OUTPUT_BYTES } from './wiro.ts';

/** What one run came to. */
export interface RunResult {
  readonly broken: readonly Broken[];
  readonly system: System;
  readonly days: number;
  /** How each generation ended, before everything outside was right again. */
  readonly ends: readonly string[];
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * How long a generation may take, by hand from the patiences of `docs/reliability.md`; each may be used up once by each
 * attempt, and there are two where uploads may have been reused.
 */
export function longestMs({ limit, maximumCollects, run, generations, kills }: Script): number {
  const answers = [...run.first, ...run.ever];
  const isLimited = limit !== undefined || answers.some((answer) => 'code' in answer && answer.code === 96);
  const line = isLimited ? MAXIMUM_WAIT_MS : 0;
  const bringing = 2 * 6 * HOUR; // Wiro away, a service of our own away
  const unknownRuns = 6 * HOUR + 1 * HOUR; // all together, and the search for the last of them
  const running = 6 * HOUR + 0.5 * HOUR; // the deadline, and 15 minutes after Kill
  const oneCollecting = 4 * 6 * HOUR; // not asked, not known, outputs not to be had, a service of our own away
  // In line these do not age: they may begin anew once nobody waits any more.
  const collecting = maximumCollects === undefined ? oneCollecting : 2 * oneCollecting + 6 * HOUR;
  const killed =
    kills.submit.ever[0]?.kind === 'at' || kills.callback.ever[0]?.kind === 'at' ? 6 * HOUR : 2 * HOUR;
  const one = line + bringing + unknownRuns + running + collecting + killed;
  const attempts = generations.some(({ input, door }) => input !== 'none' || door === 'drop') ? 2 : 1;
  return attempts * one;
}

/** Plays a script to its end, and says what was wrong. */
export async function runScript(script: Script): Promise<RunResult> {
  const system = new System(script, await compileFunctions());
  const judge = new Judge(system, script);
  for (const [index, asked] of script.generations.entries())
    system.time.after(asked.afterSeconds * 1_000, () => ask(system, asked, index));
  const { time } = system;
  const begun = time.now;
  const lastAsked = Math.max(...script.generations.map(({ afterSeconds }) => afterSeconds)) * 1_000;
  const until = begun + lastAsked + longestMs(script);
  await system.run(until, () => judge.isAllOver());
  await judge.afterAll();
  const days = (time.now - begun) / DAY;
  const ends = judge.states().map(describeEnd);
  if (judge.broken.length === 0) await judge.collectWhatWasPaid();
  return { broken: judge.broken, system, days, ends };
}

/** Brings one request to its door. */
function ask(system: System, asked: AskedGeneration, index: number): void {
  const { door, cancelAfterSeconds } = asked;
  const request = {
    model: 'wiro/flux',
    parameters: { prompt: `number ${index}` },
    inputs: inputsOf(system, asked, index),
    idempotencyKey: `key-${index}`,
  };
  switch (door) {
    case 'api':
      askApi(system, request, 0);
      break;
    case 'file':
      system.putInput(`requests/r${index}.json`, JSON.stringify([request]), 'application/json');
      break;
    case 'drop':
      system.putInput(`uploads/portraits/p${index}.png`, bytesOf(index), 'image/png');
      break;
    case 'event':
      system.putEvent(`event-${index}`, request);
      break;
  }
  if (cancelAfterSeconds === undefined || door !== 'api') return;
  const id = generationId('shop', 'api', `key-${index}`);
  system.time.after(
    cancelAfterSeconds * 1_000 + 1,
    () => void system.request('POST', `/generations/${id}/cancel`),
  );
}

/** As a client does: again, until it is told 202. */
function askApi(system: System, request: unknown, tries: number): void {
  void system.request('POST', '/generations', request).then((answer) => {
    if (tries < 10 && (answer === undefined || answer.statusCode >= 500))
      system.time.after(1_000, () => askApi(system, request, tries + 1));
  });
}

function inputsOf(system: System, { input }: AskedGeneration, index: number): Record<string, string> {
  const object = (key: string, bytes: Buffer) => {
    system.putInput(key, bytes, 'image/png');
    return { inputImage: `s3://photos/${key}` };
  };
  switch (input) {
    case 'none':
      return {};
    case 'url':
      return { inputImage: 'https://example.com/a.png' };
    case 'object':
      return object(`mine/${index}.png`, bytesOf(index));
    case 'sharedObject':
      return object('mine/shared.png', bytesOf(-1));
    case 'oddObject':
      return object(`mine/${index}`, bytesOf(index));
  }
}

const bytesOf = (index: number) => Buffer.concat([OUTPUT_BYTES, Buffer.from(`${index}`)]);
