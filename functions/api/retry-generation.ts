import { RequestError } from '../generation/errors.ts';
import type { Generation } from '../generation/generation.ts';
import { startRetry } from '../generation/retry.ts';
import { type Clock, timestamp } from '../generation/time.ts';
import { type CountDeps, countAndMake } from '../intake/count-new.ts';
import { isRecord } from '../runtime/json.ts';
import type { GenerationStore, Updated } from '../store/generation-store.ts';
import { type ConfirmNamedDeps, confirmNamed } from './confirm-named.ts';
import { parseBody, type RequestBody } from './read-body.ts';

export interface RetryDeps extends CountDeps, ConfirmNamedDeps {
  readonly generations: Pick<GenerationStore, 'get' | 'whole' | 'update'>;
  readonly clock: Clock;
}

/**
 * Starts the next attempt of a generation, unless a task that a callback named is to be collected.
 * @returns The generation as it stands now, or `undefined` if there is none.
 * @throws {RequestError} If it cannot be retried.
 */
export async function retryGeneration(
  deps: RetryDeps,
  id: string,
  force: boolean,
): Promise<Generation | undefined> {
  const named = await confirmNamed(deps, id, force);
  const moment = { now: timestamp(deps.clock()), durations: deps.durations };
  const updated = await startAgain(deps, id, (current) => startRetry(current, force, moment, named));
  return updated.kind === 'missing' ? undefined : updated.generation;
}

/** Reads the body of a retry, which is empty or `{"force": true}`. */
export function readForce(request: RequestBody): boolean {
  const options = request.body.length === 0 ? {} : parseBody(request, '{"force": true}, or no body');
  if (!isRecord(options))
    throw new RequestError(
      'invalid_request',
      'The body of a retry must be a JSON object such as {"force": true}, or empty.',
    );
  const unknown = Object.keys(options).find((name) => name !== 'force');
  if (unknown !== undefined)
    throw new RequestError(
      'invalid_request',
      `${unknown} is not a field of a retry. Its only field is force, and it runs the request as accepted. Send another request for other parameters.`,
      unknown,
    );
  const { force = false } = options;
  if (typeof force === 'boolean') return force;
  throw new RequestError('invalid_parameter', 'force must be true or false.', 'force');
}

/** Starts the next attempt. One that runs again may be charged, so it counts towards the daily limit. */
async function startAgain(
  { generations, dailyLimit }: RetryDeps,
  id: string,
  decide: (current: Generation) => Generation,
): Promise<Updated> {
  const start = () => generations.update(id, decide);
  if (dailyLimit === undefined) return start();
  const current = await generations.get(id);
  const runs = current !== undefined && decide(current).status === 'queued';
  return runs ? countAndMake({ dailyLimit }, start) : start();
}
