import { assertNever, type Generation, hasEnded } from '../generation/generation.ts';
import type { Timestamp } from '../generation/time.ts';
import { lookedAt, type Moment } from '../generation/transitions.ts';
import { ignore } from '../ignore.ts';
import { mapLimited } from '../limit.ts';
import { log } from '../log.ts';
import type { Gate } from '../store/gate.ts';
import type { GenerationStore } from '../store/generation-store.ts';

export interface ReconcileDeps {
  readonly generations: Pick<GenerationStore, 'due' | 'get' | 'update' | 'waiting'>;
  readonly gate: Pick<Gate, 'admit' | 'free' | 'holders' | 'wait'>;
  readonly submit: (id: string) => Promise<void>;
  readonly collect: (id: string) => Promise<void>;
  readonly announce: (id: string) => Promise<void>;
  readonly moment: () => Moment;
}

export interface Reconciled {
  readonly due: number;
  readonly submitted: number;
  readonly collected: number;
  readonly announced: number;
  /** Since when the first in line has been waiting, `null` when nobody does; missing when the line could not be seen. */
  readonly waitingSince?: Timestamp | null;
}

/** Bounds one run; what is left over is due in the next. */
const MOST = 200;
const AT_ONCE = 20;
/** Of those in line, who are then submitted by an invocation each. */
const MOST_STARTED = 25;
/** The index lags: the first ones that it names may not wait any more. */
const FIRST_IN_LINE = 5;
/** So many looks at one generation without anything coming of them: somebody should look, too. */
const FRUITLESS = 20;

/**
 * Sets going whatever is due, so that no lost event, callback or invocation matters. It decides nothing itself:
 * two of it at once do the same thing twice, which is harmless.
 */
export async function reconcile(deps: ReconcileDeps): Promise<Reconciled> {
  const { generations, moment } = deps;
  const ids = await generations.due(moment().now, MOST);
  const done = await mapLimited(ids, AT_ONCE, async (id) => {
    try {
      const looked = await generations.update(id, (current) => lookedAt(current, moment()));
      // Not due any more: the index lags behind the item.
      if (looked.kind !== 'written') return 'nothing';
      if (looked.generation.looks >= FRUITLESS) {
        const { status, looks } = looked.generation;
        log.error(
          'Nothing comes of looking at a generation',
          { generationId: id, status, looks, alarm: 'fruitless_looks' },
          { FruitlessLooks: 1 },
        );
      }
      const done = await setGoing(deps, looked.generation);
      if (done !== 'nothing')
        log.info('Took up what was due', { generationId: id, status: looked.generation.status, done });
      return done;
    } catch (error) {
      ignore('it is due again in a while', { generationId: id })(error);
      return 'nothing';
    }
  });
  const waitingSince = await tendGate(deps).catch(ignore('the gate is tended again in a minute'));
  const count = (kind: string) => done.filter((one) => one === kind).length;
  return {
    due: ids.length,
    submitted: count('submitted'),
    collected: count('collected'),
    announced: count('announced'),
    ...(waitingSince !== undefined && { waitingSince }),
  };
}

async function setGoing(
  { submit, collect, announce }: ReconcileDeps,
  generation: Generation,
): Promise<'submitted' | 'collected' | 'announced' | 'nothing'> {
  const { id, status } = generation;
  if (!hasEnded(generation) && generation.announcements.length > 0) {
    await announce(id).catch(ignore('it is announced with the next look', { generationId: id }));
  }
  switch (status) {
    case 'queued':
      // In line at the gate: it is started when its turn comes.
      if (generation.waiting) return 'nothing';
      await submit(id);
      return 'submitted';
    case 'submitting':
      // A callback may have named the task of a Run whose answer is not known: collecting adopts it.
      if (generation.run !== undefined && generation.callback?.taskId !== undefined) await collect(id);
      await submit(id);
      return 'submitted';
    case 'running':
    case 'collecting':
      await collect(id);
      return 'collected';
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      await announce(id);
      return 'announced';
    default:
      return assertNever(status);
  }
}

/**
 * Takes back the slots of whoever does not run, puts into line whoever was forgotten, and starts those who wait.
 * @returns When the first in line was accepted; `null` when nobody waits.
 */
async function tendGate({ gate, generations, submit }: ReconcileDeps): Promise<Timestamp | null> {
  // Of a newer release, or not to be had now: the others are tended.
  const read = (id: string): Promise<Generation | undefined | 'unread'> =>
    generations.get(id).catch((error: unknown) => {
      ignore('the others are tended', { generationId: id })(error);
      return 'unread';
    });
  await mapLimited(await gate.holders(), AT_ONCE, async (id) => {
    const generation = await read(id);
    if (generation === 'unread') return;
    if (generation === undefined || hasEnded(generation)) await gate.free(id, 'ended');
    // Its submission crashed between the two writes, or never came after it was admitted.
    else if (generation.status === 'queued') await gate.free(id, 'notRun');
  });
  // Crashed before it joined the line, admitted in vain, or passed over because the index lagged.
  let waitingSince: Timestamp | null = null;
  for (const { id } of await generations.waiting(FIRST_IN_LINE)) {
    const generation = await read(id);
    if (generation === 'unread' || generation?.status !== 'queued' || !generation.waiting) continue;
    await gate.wait(generation);
    waitingSince = generation.createdAt;
    break;
  }
  await mapLimited(await gate.admit(MOST_STARTED), AT_ONCE, (id) =>
    submit(id).catch(ignore('its slot is taken back in a minute', { generationId: id })),
  );
  return waitingSince;
}
