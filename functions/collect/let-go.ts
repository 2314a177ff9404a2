import { logSetback } from '../events/setback.ts';
import type { Collecting, Ending } from '../generation/generation.ts';
import { collectLater } from '../generation/transitions/collect.ts';
import { fail } from '../generation/transitions/end.ts';
import { isPatienceOver, type Setback } from '../generation/transitions/trouble.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Step } from '../store/claim.ts';
import { moment, type WorkDeps } from './collect-deps.ts';
import { explainEndWithTask } from './explain-end.ts';

// How a collector lets go of its generation: ended or put off.

/** Writes the end and announces it. */
export async function finish(
  { id, claim, announce }: WorkDeps,
  step: Step<Collecting, Ending>,
): Promise<void> {
  const ended = await claim.write(step);
  if (ended.kind !== 'written') return;
  await announce(id).catch(logIgnored('reconcile announces what is due', { generationId: id }));
}

/**
 * Puts the generation off after a setback.
 * @returns Whether that was written. If not, another holder has the generation.
 */
export async function later({ claim }: WorkDeps, setback: Setback): Promise<boolean> {
  const released = await claim.write((current, moment) => collectLater(current, setback, moment));
  if (released.kind !== 'written') return false;
  logSetback('Collecting is tried again later', released.generation);
  return true;
}

/** Puts the generation off. Once the same setback has lasted for `patienceMs`, fails it. */
export async function laterOrFail(
  deps: WorkDeps,
  generation: Collecting,
  setback: Setback,
  patienceMs: number,
): Promise<void> {
  if (!isPatienceOver(generation, setback.code, patienceMs, moment(deps))) {
    await later(deps, setback);
    return;
  }
  await freeSlot(deps, generation);
  await finish(deps, (current, moment) => fail(current, explainEndWithTask(generation, setback), {}, moment));
}

/**
 * Frees the slot and has the line served. No generation in line is given the slot here, because it would hold the slot
 * while it waits in Lambda's own queue. Any submission serves the line first, and `submit` of an ended task does only
 * that.
 */
export async function freeSlot({ id, gate, submit }: WorkDeps, generation: Collecting): Promise<void> {
  try {
    const isAwaited = await gate.free(generation, 'ended');
    if (isAwaited) await submit(id);
  } catch (error) {
    log.warn('The line could not be served; reconcile serves it', { generationId: id, error });
  }
}
