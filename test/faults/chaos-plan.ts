import { createHash } from 'node:crypto';
import { generationId } from '../../functions/request/identity.ts';
import type {
  AnswerFault,
  CallbackFault,
  CallbackShape,
  CdnFault,
  FaultOf,
  FaultOperation,
  RecordFault,
  TaskFault,
} from '../../local/simulator/fault-rules.ts';
import type { FaultPlan, FaultSubject } from '../../local/simulator/faults.ts';

/** What is meant to become of one generation, and what goes wrong on its way. */
export interface PlannedGeneration {
  readonly index: number;
  readonly key: string;
  readonly id: string;
  /** How many of the shared pictures it is given. */
  readonly pictures: readonly number[];
  readonly end:
    | 'succeeds'
    | 'failsAtModel'
    | 'cancelledAtWiro'
    | 'refusedForGood'
    | 'killsCollectors'
    | 'kindRefused';
  /** Somebody else runs a task in the same project at the same time. */
  readonly hasStranger: boolean;
  /** Beside it, somebody drops a file as gateways do: a stub, the file, and perhaps the same once more for its metadata. */
  readonly drop: 'twice' | 'thrice' | undefined;
  /** When its client wishes it cancelled: then whatever its task comes to is right. */
  readonly cancelWish: 'atOnce' | 'running' | undefined;
  readonly callback: 'right' | 'lost' | 'duplicated' | 'late' | 'otherShape';
  /** Called back before its Run is answered: while the task is queued, or after its end. */
  readonly early: 'queued' | 'ended' | undefined;
  /** Its neighbours suffer the same: Wiro answers 429 or 500 to whatever is asked of it first. */
  readonly burst: 429 | 500 | undefined;
  /** Its function is killed at this call of its own to DynamoDB, from 1. */
  readonly killedAt: { readonly call: number; readonly isDelivered: boolean } | undefined;
}

/** How often each thing goes wrong, as shares. */
export const RATES = {
  modelFailure: 0.06,
  cancelledAtWiro: 0.01,
  /** Wiro refuses every Run with the same words, which nobody has described. */
  refusedForGood: 0.01,
  /** Whoever writes down the outputs is killed, each time. */
  killsCollectors: 0.005,
  /** Its input has no extension, and turns out to be of a kind that Wiro does not take. */
  kindRefused: 0.01,
  /** A dropped file beside it. */
  drop: 0.04,
  cancelWish: 0.05,
  pictures: 0.15,
  callbackLost: 0.2,
  callbackDuplicated: 0.2,
  callbackLate: 0.1,
  callbackOtherShape: 0.1,
  callbackEarly: 0.1,
  /** Of blocks of `BURST` generations. */
  burst: 0.08,
  reset: 0.05,
  runAnswerLost: 0.05,
  outputsLate: 0.03,
  /** The task's record has a text of some megabytes. */
  longText: 0.01,
  /** Tasks of others in the same project, beside each generation. */
  stranger: 0.04,
  /** A task stands at `task_error` for a while, and then runs. */
  requeued: 0.03,
  cdn: 0.12,
  throttled: 0.015,
  dynamoDbError: 0.005,
  writtenUnanswered: 0.005,
  killed: 0.08,
} as const;

const BURST = 12;
/** Of 200 in a row: their tasks last long. */
const LONG = 32;
/** More than a JSON answer is read whole. */
const LONG_TEXT_BYTES = 5 * 1024 * 1024;
const SHAPES: readonly CallbackShape[] = ['tasklist', 'bareTask', 'ids', 'form', 'empty', 'garbage'];
export const PICTURES = 24;

/** A number from 0 to 1 that depends on nothing but its words. */
export function chance(...words: readonly (string | number)[]): number {
  return createHash('sha256').update(JSON.stringify(words)).digest().readUIntBE(0, 6) / 2 ** 48;
}

function oneOf<T>(choices: readonly T[], share: number): T {
  return choices[Math.min(choices.length - 1, Math.floor(share * choices.length))] as T;
}

/** Which of several shares, laid end to end, a chance falls into. */
function among<T extends string>(share: number, shares: Readonly<Record<T, number>>): T | undefined {
  let from = 0;
  for (const [name, width] of Object.entries<number>(shares)) {
    if (share >= from && share < from + width) return name as T;
    from += width;
  }
  return undefined;
}

/** Ends that a wish would only hide. */
const END_BEFORE_WISH: ReadonlySet<PlannedGeneration['end']> = new Set([
  'refusedForGood',
  'killsCollectors',
  'kindRefused',
]);

/** Plans one generation of a run; the same for the same seed and index, whatever happens around it. */
export function planGeneration(seed: number, index: number): PlannedGeneration {
  const key = `chaos-${seed}-${index}`;
  const of = (what: string) => chance(seed, key, what);
  const block = chance(seed, 'burst', Math.floor(index / BURST));
  const end =
    among(of('end'), {
      failsAtModel: RATES.modelFailure,
      cancelledAtWiro: RATES.cancelledAtWiro,
      refusedForGood: RATES.refusedForGood,
      killsCollectors: RATES.killsCollectors,
      kindRefused: RATES.kindRefused,
    }) ?? 'succeeds';
  return {
    index,
    key,
    id: generationId('local', 'api', key),
    pictures:
      of('pictures') < RATES.pictures
        ? [Math.floor(of('picture 1') * PICTURES), Math.floor(of('picture 2') * PICTURES)]
        : [],
    end: end,
    cancelWish:
      of('wish') < RATES.cancelWish && !END_BEFORE_WISH.has(end)
        ? oneOf(['atOnce', 'running'], of('wish when'))
        : undefined,
    hasStranger: of('stranger') < RATES.stranger,
    drop: of('drop') < RATES.drop ? oneOf(['twice', 'thrice'], of('drop how')) : undefined,
    callback:
      among(of('callback'), {
        lost: RATES.callbackLost,
        duplicated: RATES.callbackDuplicated,
        late: RATES.callbackLate,
        otherShape: RATES.callbackOtherShape,
      }) ?? 'right',
    early: of('early') < RATES.callbackEarly ? oneOf(['queued', 'ended'], of('early when')) : undefined,
    burst: block < RATES.burst ? (block < RATES.burst / 2 ? 429 : 500) : undefined,
    killedAt:
      of('killed') < RATES.killed
        ? { call: 1 + Math.floor(of('killed at') * 24), isDelivered: of('killed how') < 0.5 }
        : undefined,
  };
}

/** How long the faults take, in milliseconds of the simulator's clock. */
export interface ChaosTimes {
  readonly callbackLate: number;
  readonly runLate: number;
  /** The longest that `Task/List` lags. */
  readonly listLag: number;
  /** Most tasks last between one and two of it. */
  readonly task: number;
  readonly shortTask: number;
  /** So long that Wiro's limit is reached. */
  readonly longTask: number;
}

/**
 * The faults of Wiro, decided by seed, generation, operation and ordinal, never by the order of arrival. Calls that
 * concern no generation (a page of `Task/List`, an upload) are decided by their ordinal alone.
 */
export function planWiroFaults(
  seed: number,
  generations: readonly PlannedGeneration[],
  times: ChaosTimes,
): FaultPlan {
  const byId = new Map(generations.map((generation) => [generation.id, generation]));
  const ordinals = new Map<string, number>();
  const countUp = (name: string) => {
    const ordinal = (ordinals.get(name) ?? 0) + 1;
    ordinals.set(name, ordinal);
    return ordinal;
  };

  function decide(operation: FaultOperation, subject: FaultSubject): readonly FaultOf[FaultOperation][] {
    const generation = byId.get(idIn(subject.callbackUrl) ?? '');
    // Asked twice for one task: what it is comes from the plan alone.
    if (operation === 'task') return generation ? [taskFault(seed, generation, times)] : [];
    if (operation === 'callback') return generation ? callbackFaults(seed, generation, times) : [];
    const ordinal = countUp(`${operation} ${generation?.id ?? ''}`);
    const share = chance(seed, generation?.key ?? '', operation, ordinal);
    if (operation === 'Task/List') return [listFault(share, chance(seed, 'lag', ordinal), times)];
    if (generation === undefined) return share < RATES.reset ? [reset(share / RATES.reset)] : [];
    if (operation === 'cdn') return present(cdnFault(seed, generation, ordinal, share));
    if (operation === 'Run') return present(runFault(generation, ordinal, share, times));
    if (operation === 'Task/Detail') return present(detailFault(generation, ordinal, share));
    return share < RATES.reset ? [reset(share / RATES.reset)] : [];
  }
  return decide as FaultPlan;
}

const idIn = (callbackUrl: string | undefined) => /\/([a-z2-7]{26})\//.exec(callbackUrl ?? '')?.[1];
const present = <T>(fault: T | undefined): T[] => (fault === undefined ? [] : [fault]);

/** With the work behind it or without. */
const reset = (share: number): AnswerFault => ({ kind: 'reset', work: share < 0.5 ? 'done' : 'never' });

const BURST_CALLS = 2;

function runFault(
  { burst, early, end }: PlannedGeneration,
  ordinal: number,
  share: number,
  { runLate }: ChaosTimes,
): AnswerFault | undefined {
  if (end === 'refusedForGood')
    return { kind: 'error', message: 'Your team has reached its spend limit.', work: 'never' };
  // After a 500 nobody knows whether it runs: each costs two searches.
  if (burst !== undefined && ordinal <= (burst === 429 ? BURST_CALLS : 1))
    return { kind: 'status', status: burst, work: 'never' };
  if (share < RATES.reset) {
    const how = share / RATES.reset;
    return how < 0.2 ? { kind: 'reset', work: 'late', lateMs: runLate } : reset((how - 0.2) / 0.8);
  }
  if (share < RATES.reset + RATES.runAnswerLost)
    return oneOf<AnswerFault>(
      [
        { kind: 'silent' },
        { kind: 'html', status: 502 },
        { kind: 'garbage' },
        { kind: 'truncated' },
        { kind: 'noTaskId' },
        { kind: 'error' },
        { kind: 'status', status: 500 },
      ],
      (share - RATES.reset) / RATES.runAnswerLost,
    );
  return early === 'ended' ? { kind: 'afterCallback' } : undefined;
}

function taskFault(
  seed: number,
  { key, index, end, early }: PlannedGeneration,
  { task, shortTask, longTask }: ChaosTimes,
): TaskFault {
  const share = chance(seed, key, 'task');
  if (end === 'cancelledAtWiro') return { kind: 'cancelled', likeSample: share < 0.5 };
  if (end === 'failsAtModel') return failure(share, shortTask);
  if (early === 'ended') return { kind: 'lasts', durationMs: shortTask };
  if (share < RATES.outputsLate) return { kind: 'outputsLate', reads: share < RATES.outputsLate / 2 ? 1 : 2 };
  if (share > 1 - RATES.requeued) return { kind: 'error', requeuedAfterMs: shortTask };
  return { kind: 'lasts', durationMs: index % 200 < LONG ? longTask : task * (1 + share) };
}

/** `task_error` is no end: it stays there until it is killed, or fails once it is requeued. */
function failure(share: number, shortTask: number): TaskFault {
  if (share < 0.7) return { kind: 'fails' };
  return share < 0.85
    ? { kind: 'error' }
    : { kind: 'error', requeuedAfterMs: shortTask, thenFails: 'CUDA out of memory' };
}

function callbackFaults(
  seed: number,
  { key, callback, early }: PlannedGeneration,
  { callbackLate }: ChaosTimes,
): readonly CallbackFault[] {
  const share = chance(seed, key, 'callback detail');
  const atStart: readonly CallbackFault[] = early === 'queued' ? [{ kind: 'premature' }] : [];
  switch (callback) {
    case 'right':
      return atStart;
    case 'lost':
      return [...atStart, { kind: 'lost' }];
    case 'duplicated':
      return [
        ...atStart,
        { kind: 'duplicated', times: 2 + Math.floor(share * 2), gapMs: callbackLate * share },
      ];
    case 'late':
      return [...atStart, { kind: 'delayed', delayMs: callbackLate * (1 + share) }];
    case 'otherShape':
      return [...atStart, { kind: 'shape', shape: oneOf(SHAPES, share) }];
  }
}

function detailFault(
  { burst }: PlannedGeneration,
  ordinal: number,
  share: number,
): AnswerFault | RecordFault | undefined {
  if (burst !== undefined && ordinal <= BURST_CALLS) return { kind: 'status', status: burst, work: 'never' };
  if (share < RATES.reset) return { kind: 'reset' };
  if (share < RATES.reset + 0.02) return { kind: 'garbage' };
  if (share < RATES.reset + 0.06) return { kind: 'record', numbers: true, parametersAsString: true };
  if (share < RATES.reset + 0.06 + RATES.longText)
    return { kind: 'record', debugOutputBytes: LONG_TEXT_BYTES };
  return undefined;
}

function listFault(share: number, lagShare: number, { listLag }: ChaosTimes): AnswerFault | RecordFault {
  if (share < RATES.reset) return { kind: 'reset' };
  if (share < RATES.reset + 0.03) return { kind: 'status', status: 500 };
  return { kind: 'record', lagMs: Math.round(listLag * lagShare) };
}

/** Decided once a generation, for its first request or two; a reset may strike any. */
function cdnFault(
  seed: number,
  { key }: PlannedGeneration,
  ordinal: number,
  share: number,
): CdnFault | undefined {
  const of = chance(seed, key, 'cdn fault');
  if (of < RATES.cdn && ordinal <= 2)
    return oneOf<CdnFault>(
      [
        { kind: 'status', status: 404 },
        { kind: 'status', status: 404 },
        { kind: 'truncated' },
        { kind: 'truncated', afterBytes: 0 },
        { kind: 'stalled' },
        { kind: 'status', status: 503 },
        { kind: 'redirect' },
        { kind: 'chunked' },
        { kind: 'ignoresRange' },
        { kind: 'page' },
        { kind: 'page', body: '' },
        { kind: 'encoding', contentEncoding: 'UTF-8' },
        { kind: 'encoding', contentEncoding: 'gzip', isTrue: true },
      ],
      of / RATES.cdn,
    );
  return share < RATES.reset ? { kind: 'reset' } : undefined;
}

/** What becomes of one request to DynamoDB. */
export type DynamoDbFate =
  | 'answered'
  | 'throttled'
  | 'failed'
  | 'writtenUnanswered'
  | 'killedBefore'
  | 'killedAfter';

/** Decides by seed, generation and ordinal; by ordinal alone where a request concerns no generation. */
export function planDynamoDbFaults(
  seed: number,
  generations: readonly PlannedGeneration[],
): (id: string | undefined, operation: string, body: string) => DynamoDbFate {
  const byId = new Map(generations.map((generation) => [generation.id, generation]));
  const ordinals = new Map<string, number>();
  return (id, operation, body) => {
    const generation = byId.get(id ?? '');
    const name = generation?.key ?? operation;
    const ordinal = (ordinals.get(name) ?? 0) + 1;
    ordinals.set(name, ordinal);
    const killedAt = generation?.killedAt;
    if (generation?.end === 'killsCollectors' && /"outputs#/.test(body) && operation !== 'Query')
      return 'killedBefore';
    if (killedAt?.call === ordinal) return killedAt.isDelivered ? 'killedAfter' : 'killedBefore';
    return (
      among(chance(seed, name, 'DynamoDB', ordinal), {
        throttled: RATES.throttled,
        failed: RATES.dynamoDbError,
        writtenUnanswered: RATES.writtenUnanswered,
      }) ?? 'answered'
    );
  };
}
