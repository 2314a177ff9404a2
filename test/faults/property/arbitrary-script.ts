import fc from 'fast-check';
import type {
  ApiAnswer,
  ApiFault,
  AskedGeneration,
  BusAnswer,
  CdnAnswer,
  Course,
  DetailAnswer,
  InvokeAnswer,
  Kill,
  ListAnswer,
  ParameterAnswer,
  RunAnswer,
  S3Answer,
  Script,
  StopAnswer,
  TableAnswer,
  TaskStory,
  Work,
} from './script.ts';
import { RIGHT_STORY } from './wiro.ts';

/** Mostly right, and shrinks towards it: what is left in a smallest script matters. */
function mostlyRight<T>(right: T, wrong: fc.Arbitrary<T>, weight = 3): fc.Arbitrary<T> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight, arbitrary: fc.constant(right) },
    { weight: 1, arbitrary: wrong },
  );
}

function course<T>(
  right: T,
  wrong: fc.Arbitrary<T>,
  { ever = 5 }: { readonly ever?: number } = {},
): fc.Arbitrary<Course<T>> {
  return fc.record({
    first: fc.array(mostlyRight(right, wrong, 2), { maxLength: 4 }),
    ever: mostlyRight([right], fc.array(wrong, { minLength: 1, maxLength: 2 }), ever),
  });
}

const oneOf = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const RIGHT = { kind: 'right' } as const;

/** Texts that Wiro documents as final, and others. */
const REFUSALS: readonly ApiFault[] = [
  { kind: 'refused', code: 0, message: 'Server error' },
  { kind: 'refused', code: 0, message: 'Something went wrong', changing: true },
  { kind: 'refused', code: 0, message: 'Your team has reached its spend limit' },
  { kind: 'refused', message: 'invalid-parameters', bare: true },
];
const FINAL: readonly ApiFault[] = [
  { kind: 'refused', code: 0, message: 'Request parameter [prompt] required' },
  { kind: 'refused', code: 0, message: 'This model is not allowed in your team. Contact your team admin.' },
  { kind: 'refused', code: 1, message: 'slug-owner-project-not-exist' },
  { kind: 'refused', code: 97, message: 'Insufficient balance' },
  { kind: 'refused', code: 98, message: 'sign in' },
  { kind: 'refused', code: 99, message: 'token expired' },
  { kind: 'refused', code: 42, message: 'a code that nobody has described' },
  { kind: 'status', status: 401, body: 'json' },
  { kind: 'status', status: 404, body: 'json' },
  { kind: 'status', status: 429, body: 'empty' },
];
const BROKEN: readonly ApiFault[] = [
  { kind: 'reset' },
  { kind: 'silent' },
  { kind: 'garbage' },
  { kind: 'status', status: 500, body: 'html' },
  { kind: 'status', status: 503, body: 'empty' },
  { kind: 'status', status: 502, body: 'json' },
  { kind: 'status', status: 200, body: 'html' },
  { kind: 'status', status: 400, body: 'html' },
  { kind: 'status', status: 403, body: 'html' },
  { kind: 'status', status: 404, body: 'html' },
  { kind: 'late', ms: 25_000 },
];

export const API_FAULTS: readonly ApiFault[] = [{ kind: 'unreachable' }, ...BROKEN, ...REFUSALS, ...FINAL];
const WORKS: readonly Work[] = ['never', 'done', 'late'];
export const RUN_FAULTS: readonly RunAnswer[] = [
  { kind: 'unreachable', work: 'never' },
  ...BROKEN.flatMap((fault) => WORKS.map((work) => ({ ...fault, work }))),
  ...WORKS.map((work) => ({ kind: 'noTaskId' as const, work })),
  // A text that is not described may come with a task behind it; one that is has none.
  ...REFUSALS.flatMap((fault) => (['never', 'done'] as const).map((work) => ({ ...fault, work }))),
  ...FINAL.map((fault) => ({ ...fault, work: 'never' as const })),
];
const HUGE: ApiFault = { kind: 'huge' };
export const DETAIL_FAULTS: readonly DetailAnswer[] = [
  ...API_FAULTS,
  { kind: 'missing' },
  { kind: 'stranger' },
  HUGE,
];
export const LIST_FAULTS: readonly ListAnswer[] = [
  ...API_FAULTS,
  { kind: 'withoutCallbackUrls' },
  { kind: 'unreadableRow' },
  HUGE,
];
export const STOP_FAULTS: readonly StopAnswer[] = [
  ...API_FAULTS,
  { kind: 'ignored' },
  { kind: 'refused', code: 1, message: 'Task is not in a cancellable state.' },
];
export const CDN_FAULTS: readonly CdnAnswer[] = [
  { kind: 'status', status: 404 },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 403 },
  { kind: 'page' },
  { kind: 'errorJson' },
  { kind: 'empty' },
  { kind: 'unreachable' },
  { kind: 'cutOff' },
  { kind: 'stalled' },
  { kind: 'silent' },
  { kind: 'slow' },
  { kind: 'otherSize' },
  { kind: 'otherType' },
  ...['', 'UTF-8', 'base64', 'aws-chunked', 'none', 'gzip'].map((name) => ({
    kind: 'encoding' as const,
    name,
  })),
  { kind: 'redirect', to: 'https://cdn2.wiro.test/elsewhere' },
  { kind: 'redirect', to: 'http://169.254.169.254/latest' },
];
export const INPUT_FAULTS: readonly S3Answer[] = [
  { kind: 'error', status: 503, name: 'SlowDown' },
  { kind: 'error', status: 403, name: 'AccessDenied' },
  { kind: 'error', status: 412, name: 'PreconditionFailed' },
  { kind: 'error', status: 404, name: 'NoSuchKey' },
  { kind: 'error', status: 403, name: 'InvalidObjectState' },
  { kind: 'error', status: 400, name: 'KMS.DisabledException' },
];
export const OUTPUT_FAULTS: readonly S3Answer[] = [
  { kind: 'error', status: 503, name: 'SlowDown' },
  { kind: 'error', status: 403, name: 'AccessDenied' },
  { kind: 'error', status: 500, name: 'InternalError' },
];
export const BUS_FAULTS: readonly BusAnswer[] = ['refused', 'throttled', 'unreachable'];

/** Seldom: it is slow to read. */
const seldomHuge = <T extends { readonly kind: string }>(faults: readonly T[]) =>
  fc.oneof(
    { weight: 12, arbitrary: oneOf(...faults.filter(({ kind }) => kind !== 'huge')) },
    { weight: 1, arbitrary: oneOf(...faults.filter(({ kind }) => kind === 'huge')) },
  );
const apiFault = oneOf(...API_FAULTS);
const runFault = oneOf(...RUN_FAULTS);
const detailFault = seldomHuge(DETAIL_FAULTS);
const listFault = seldomHuge(LIST_FAULTS);
const stopFault = oneOf(...STOP_FAULTS);
const cdnFault = oneOf(...CDN_FAULTS);
const inputFault = oneOf(...INPUT_FAULTS);
const outputFault = oneOf(...OUTPUT_FAULTS);
const busFault = oneOf(...BUS_FAULTS);

const anyStory: fc.Arbitrary<TaskStory> = fc.record({
  end: mostlyRight<TaskStory['end']>(
    'succeeds',
    oneOf('fails', 'cancelled', 'stuck', 'errs', 'errsThenSucceeds', 'errsThenFails'),
    1,
  ),
  seconds: oneOf(1, 20, 300, 5_000, 40_000),
  stuckAt: oneOf('task_queue', 'task_accept', 'task_start', 'task_end', 'task_postprocess_start'),
  takesKill: fc.boolean(),
  outputs: mostlyRight<TaskStory['outputs']>('one', oneOf('two', 'none', 'late', 'raw', 'strangeUrl')),
  callback: mostlyRight<TaskStory['callback']>(
    'right',
    oneOf('lost', 'late', 'twice', 'early', 'empty', 'garbage'),
    2,
  ),
});

/** Calls that the work itself brings with it: what they weigh or take kills the function, each time. */
export const DEADLY: readonly string[] = [
  'wiro.Run',
  'wiro.Task/Detail',
  'wiro.File/Upload',
  'cdn.GET',
  's3.GetObject',
  's3.PutObject',
];
const deadly: fc.Arbitrary<Kill> = fc.record({
  kind: fc.constant('at' as const),
  operation: oneOf(...DEADLY),
  isDelivered: fc.boolean(),
});
const nth: fc.Arbitrary<Kill> = fc.record({
  kind: fc.constant('nth' as const),
  call: fc.integer({ min: 1, max: 30 }),
  isDelivered: fc.boolean(),
});
const none: Kill = { kind: 'none' };
const kills: fc.Arbitrary<Course<Kill>> = fc.record({
  first: fc.array(mostlyRight(none, fc.oneof(nth, deadly), 3), { maxLength: 4 }),
  ever: mostlyRight(
    [none],
    deadly.map((one) => [one]),
    4,
  ),
});

const asked: fc.Arbitrary<AskedGeneration> = fc.record({
  door: oneOf('api', 'file', 'drop', 'event'),
  input: oneOf('none', 'object', 'sharedObject', 'oddObject', 'url'),
  afterSeconds: oneOf(0, 0, 30, 4_000),
  cancelAfterSeconds: mostlyRight<number | undefined>(undefined, oneOf(0, 10, 100, 4_000), 9),
});

/** Any script at all. */
export const anyScript: fc.Arbitrary<Script> = fc.record({
  seed: fc.nat(1_000_000),
  generations: fc.array(asked, { minLength: 1, maxLength: 3 }),
  handover: oneOf('upload', 'auto', 'presigned'),
  limit: mostlyRight<number | undefined>(undefined, oneOf(1, 2), 3),
  strangers: mostlyRight<Script['strangers']>('none', oneOf('ordinary', 'withoutUrl', 'forged'), 2),
  run: course<RunAnswer>(RIGHT, runFault),
  detail: course<DetailAnswer>(RIGHT, detailFault),
  list: course<ListAnswer>(RIGHT, listFault, { ever: 2 }),
  cancel: course<StopAnswer>(RIGHT, stopFault, { ever: 2 }),
  kill: course<StopAnswer>(RIGHT, stopFault, { ever: 2 }),
  upload: course<ApiAnswer>(RIGHT, apiFault),
  tool: course<ApiAnswer>(RIGHT, apiFault),
  tasks: fc.record({
    first: fc.array(anyStory, { maxLength: 3 }),
    ever: mostlyRight(
      [RIGHT_STORY],
      anyStory.map((one) => [one]),
      1,
    ),
  }),
  cdn: course<CdnAnswer>(RIGHT, cdnFault, { ever: 3 }),
  readInput: course<S3Answer>(RIGHT, inputFault),
  putOutput: course<S3Answer>(RIGHT, outputFault),
  results: mostlyRight<Script['results']>('right', oneOf('notJson', 'huge'), 4),
  bus: course<BusAnswer>('right', busFault, { ever: 8 }),
  parameters: course<ParameterAnswer>('right', oneOf('missing', 'throttled'), { ever: 12 }),
  invoke: fc.array(mostlyRight<InvokeAnswer>('right', oneOf('refused', 'lost'), 4), { maxLength: 20 }),
  table: fc.array(mostlyRight<TableAnswer>('right', oneOf('throttled', 'unanswered'), 12), { maxLength: 60 }),
  kills: fc.record({
    submit: kills,
    callback: kills,
    others: fc.array(mostlyRight(none, nth, 3), { maxLength: 3 }),
  }),
  maximumCollects: mostlyRight<number | undefined>(undefined, oneOf(1, 2), 2),
});
