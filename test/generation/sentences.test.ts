import { S3ServiceException } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerRequest } from '../../functions/api/routes.ts';
import { type CollectDeps, collectGeneration } from '../../functions/collect/collect-generation.ts';
import { type ErrorCode, type GenerationError, toldAsRefusal } from '../../functions/generation/errors.ts';
import { type Generation, hasEnded } from '../../functions/generation/generation.ts';
import { cancelWished, lookedAt } from '../../functions/generation/transitions.ts';
import { DailyLimitError } from '../../functions/intake/count-new.ts';
import { InputAccessError, InputChangedError } from '../../functions/objects/errors.ts';
import { OutputRefusedError } from '../../functions/outputs/errors.ts';
import { log } from '../../functions/runtime/log.ts';
import { InputError, UploadsRefusedError } from '../../functions/submit/bring-inputs.ts';
import { endedBeforeRun, explainInputFailure } from '../../functions/submit/explain-failure.ts';
import { explainUnauthorized } from '../../functions/submit/explain-unauthorized.ts';
import { type SubmitDeps, submitGeneration } from '../../functions/submit/submit-generation.ts';
import { WiroError } from '../../functions/wiro/errors.ts';
import type { RunOutcome, Task } from '../../functions/wiro/types.ts';
import { doorWorld } from '../intake/door-world.ts';
import { ID, workWorld } from '../support/work-world.ts';
import { EXAMPLES, moment } from './examples.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});
afterEach(() => void vi.restoreAllMocks());

const HOUR = 3_600;

type Told = Pick<GenerationError, 'code' | 'message'>;
type Case = () => Promise<Told | undefined> | Told;

// --- refused before anything is stored ------------------------------------------------------------------------

const GOOD = { model: 'wiro/flux', parameters: { prompt: 'x' } };
type DoorDeps = ReturnType<typeof doorWorld>['deps'];

const post = (request: unknown, change: (world: ReturnType<typeof doorWorld>) => void = () => {}): Case => {
  return async () => {
    const world = doorWorld();
    change(world);
    const { body } = await world.post(request);
    return 'error' in body ? (body.error as GenerationError) : undefined;
  };
};
const call =
  (method: string, path: string, stand?: Generation): Case =>
  async () => {
    const { deps } = doorWorld();
    if (stand) await deps.generations.accept(stand, { ...GOOD, inputs: {}, labels: {} });
    const { body } = await answerRequest(deps, { method, path, body: Buffer.alloc(0) });
    return 'error' in body ? (body.error as GenerationError) : undefined;
  };
const withInput = (key: string, found?: object): Case =>
  post({ ...GOOD, inputs: { image: key } }, (world) => {
    if (found === undefined) return;
    world.put(key, 'x');
    const object = world.objects.get(key);
    if (object) world.objects.set(key, { ...object, found: { ...object.found, ...found } });
  });
const knowing =
  (known: Awaited<ReturnType<DoorDeps['knownModel']>> | object) => (world: ReturnType<typeof doorWorld>) =>
    void Object.assign(world.deps, { knownModel: async () => known });

// --- ended before a task --------------------------------------------------------------------------------------

const input =
  (cause: Error): Case =>
  () =>
    endedBeforeRun(explainInputFailure(new InputError('inputs.image', cause)));

const denied = (name: string) =>
  new InputAccessError(
    { bucket: 'b', key: 'a.png' },
    new S3ServiceException({ name, message: 'no', $fault: 'client', $metadata: { httpStatusCode: 403 } }),
  );

/** How it ends when Wiro answers every Run so. */
const submitting =
  (outcome: Partial<RunOutcome>, hours = 24): Case =>
  async () => {
    const world = workWorld();
    await world.accept(ID);
    const deps: SubmitDeps = {
      ...world.shared,
      wiro: {
        run: async () => ({ message: '', why: 'it says: no', ...outcome }) as RunOutcome,
        tasks: async () =>
          'isLost' in outcome
            ? Promise.reject(new WiroError('badAnswer', 'no answer', {}))
            : { tasks: [], rows: 0 },
        model: async () => undefined,
        task: async () => undefined,
        upload: () => Promise.reject(new Error('not asked for')),
      },
      inputs: {} as SubmitDeps['inputs'],
      uploads: {} as SubmitDeps['uploads'],
      knownModel: async () => undefined,
      parameters: async () => ({
        apiKey: 'key',
        callbackSecrets: ['secret'],
        callbackBaseUrl: 'https://callback.example',
        callbackFunction: 'callback',
      }),
      collect: async () => undefined,
      monotonic: () => 0,
    };
    return endOf(world, () => submitGeneration(deps, ID), hours);
  };

async function endOf(world: ReturnType<typeof workWorld>, look: () => Promise<unknown>, hours: number) {
  for (let seconds = 0; seconds < hours * HOUR; seconds += 60, world.pass(60)) {
    const generation = await world.generations.get(ID);
    if (generation === undefined) return undefined;
    if (hasEnded(generation)) return generation.status === 'failed' ? generation.error : undefined;
    if ((generation.dueAt ?? '') <= world.shared.clock().toISOString()) await look();
  }
  return undefined;
}

// --- ended with a task ----------------------------------------------------------------------------------------

const task = (given: Partial<Task>): Task => ({
  id: 'task-1',
  status: 'task_start',
  end: 'unfinished',
  outputs: [],
  ...given,
});
const succeeded = task({
  end: 'succeeded',
  outputs: [{ kind: 'file', name: '0.png', url: 'https://cdn.wiro.ai/secret/0.png' }],
});

const collecting =
  (
    show: (isKilled: boolean) => Task | undefined,
    {
      copy = () => Promise.reject(new OutputRefusedError('Cannot fetch an output: its host is not allowed')),
      isCancelled = false,
    }: { copy?: () => Promise<never>; isCancelled?: boolean } = {},
  ): Case =>
  async () => {
    const world = workWorld();
    await world.run(ID, 'task-1');
    const now = () => ({ now: world.shared.clock().toISOString(), durations: world.shared.durations });
    if (isCancelled) await world.generations.update(ID, (current) => cancelWished(current, now()));
    let isKilled = false;
    const deps: CollectDeps = {
      ...world.shared,
      wiro: {
        task: async () => show(isKilled),
        cancel: async () => ({ kind: 'refused', message: 'not in a cancellable state' }),
        kill: async () => {
          isKilled = true;
          return { kind: 'stopped' };
        },
      },
      collectAgain: async () => undefined,
      outputBucket: 'outputs',
      outputPrefix: 'outputs/',
      copier: { copy },
      putBytes: () => Promise.reject(new Error('not asked for')),
    };
    return endOf(world, () => collectGeneration(deps, ID), 24);
  };
const wiroSays = (error: WiroError) => () => {
  throw error;
};

// --- every code -----------------------------------------------------------------------------------------------

const WHY = 'it says: no';
const NO_MONEY = ['not_found', 'method_not_allowed'];

/** Nothing ends with it: test/collect/copy-in-turn shows its sentence. */
type SetbackAlone = 'output_in_line';

/** Ways to come to each code. A new code does not compile until its sentence is shown here. */
const CASES: Readonly<Record<Exclude<ErrorCode, 'cancelled' | SetbackAlone>, readonly Case[]>> = {
  invalid_request: [post('{'), post('a,b\n1,2'), post({ ...GOOD, prompt: 1 }), post([])],
  invalid_parameter: [
    post({ ...GOOD, model: 'flux' }),
    post({ ...GOOD, inputs: { image: 'ftp://a/b' } }),
    submitting({ kind: 'notRun', reason: 'invalid' }),
  ],
  request_too_large: [post('x'.repeat(1_048_577))],
  model_not_found: [
    post(GOOD, knowing({ kind: 'unknownModel' })),
    submitting({ kind: 'notRun', reason: 'notFound' }),
  ],
  model_not_supported: [post(GOOD, knowing({ kind: 'unsupportedModel', modelKind: 'realtime' }))],
  input_not_found: [withInput('no.png')],
  input_not_allowed: [withInput('s3://secrets/a.png')],
  input_empty: [withInput('a.png', { sizeBytes: 0 })],
  input_too_large: [withInput('a.png', { sizeBytes: 105_000_000 })],
  input_changed: [input(new InputChangedError('gone'))],
  input_archived: [withInput('a.png', { isArchived: true })],
  input_unreadable: [
    input(denied('AccessDenied')),
    input(denied('NoSuchBucket')),
    input(denied('PermanentRedirect')),
  ],
  input_unsupported: [withInput('a.tiff', {})],
  idempotency_conflict: [
    async () => {
      const world = doorWorld();
      await world.post({ ...GOOD, idempotencyKey: 'k' });
      const { body } = await world.post({ model: 'a/b', idempotencyKey: 'k' });
      return 'error' in body ? (body.error as GenerationError) : undefined;
    },
  ],
  daily_limit_reached: [
    () => toldAsRefusal(new DailyLimitError(1, { limit: 1, left: 0, opensAt: 'tomorrow' }).error),
  ],
  not_retryable: [
    call('POST', `/generations/${EXAMPLES.running.id}/retry`, EXAMPLES.running),
    call('POST', `/generations/${EXAMPLES.succeeded.id}/retry`, EXAMPLES.succeeded),
    call('POST', `/generations/${ID}/retry`, {
      ...EXAMPLES.failed,
      taskEnd: 'failed',
      error: { code: 'invalid_parameter', message: 'No.', retryable: false },
    }),
  ],
  not_found: [call('GET', '/x'), call('GET', '/generations/x')],
  method_not_allowed: [call('GET', '/generations')],
  not_configured: [
    post(
      GOOD,
      (world) => void Object.assign(world.deps, { missingSecrets: async () => 'the key is not there' }),
    ),
    () => endedBeforeRun({ code: 'not_configured', message: 'This deployment lacks its secrets.' }),
  ],
  insufficient_balance: [submitting({ kind: 'notRun', reason: 'insufficientBalance' })],
  upstream_unauthorized: [
    submitting({ kind: 'notRun', reason: 'unauthorized' }),
    input(new WiroError('unauthorized', 'no', { why: WHY })),
  ],
  upstream_refused: [
    submitting({ kind: 'notRun', reason: 'refused' }),
    submitting({ kind: 'unknown', refusal: 'Your team is over its limit' }),
    input(new UploadsRefusedError(WHY)),
  ],
  upstream_unavailable: [
    submitting({ kind: 'notRun', reason: 'busy' }),
    collecting(wiroSays(new WiroError('status', 'Cannot call', { why: 'it answered 503' }))),
  ],
  submission_unknown: [submitting({ kind: 'unknown', isLost: true } as object, 48)],
  waited_too_long: [
    () => {
      const end = lookedAt(
        { ...EXAMPLES.waiting, dueAt: moment(0).now },
        moment(8 * 24 * HOUR),
        moment(0).now,
      );
      if (end.status !== 'failed') throw new Error('It still waits');
      return end.error;
    },
  ],
  // Shown by test/submit/killed-submit and test/collect/killed-collector.
  function_killed: [],
  model_failed: [collecting(() => task({ end: 'failed', errorText: 'Out of memory' }))],
  task_not_found: [collecting(() => undefined)],
  task_unreadable: [collecting(wiroSays(new WiroError('tooLarge', 'too large')))],
  deadline_exceeded: [
    collecting((isKilled) => task(isKilled ? { end: 'cancelled' } : {})),
    collecting(() => task({})),
  ],
  cancel_unconfirmed: [collecting(() => task({}), { isCancelled: true })],
  output_unavailable: [
    collecting(() => task({ end: 'succeeded', outputs: [{ kind: 'file', name: '0.png' }] })),
  ],
  output_refused: [collecting(() => succeeded)],
  internal_error: [
    () => endedBeforeRun({ code: 'internal_error', message: 'This deployment could not reach S3.' }),
    collecting(() => {
      throw new Error('DynamoDB is away');
    }),
  ],
};

const MONEY = /charge|paid|pay/;
const REMEDY =
  /retry|request it|request a new|put|give|correct|mend|set|add funds|use |ask|look at|see |send|make it|take |store|must|requires|wait|convert|restore|name|leave|write|split|is known|try again|check |can be retried|request has|restart/i;

describe('every error says what happened, what it means for money, and what to do', () => {
  const all = Object.entries(CASES).flatMap(([code, cases]) =>
    cases.map((one, nth) => [code, nth, one] as const),
  );

  it.each(all)('%s, in its way %i', async (code, _, one) => {
    const told = await one();

    expect(told?.code).toBe(code);
    const message = told?.message ?? '';
    expect(message).toMatch(REMEDY);
    if (!NO_MONEY.includes(code)) expect(message).toMatch(MONEY);
    expect(message).toMatch(/[.)]$/);
    // Neither what the machine says, nor twice what was attempted, nor where an output can be fetched.
    expect(message).not.toMatch(/Unexpected|undefined|Cannot run|\.\.|\(\)|secret\//);
    expect(message.length).toBeLessThan(600);
  });

  it.each([
    'task_not_found',
    'task_unreadable',
    'output_unavailable',
    'output_refused',
    'deadline_exceeded',
    'cancel_unconfirmed',
    'upstream_unavailable',
    'internal_error',
  ] as const)('%s names the task, which a retry collects without paying again', async (code) => {
    const told = await CASES[code].at(-1)?.();

    expect(told?.message).toMatch(/task task-1/i);
    expect(told?.message).toMatch(/a retry .*without paying again/i);
  });

  it('what was only asked to stop is not called stopped', async () => {
    const [seen, unseen] = await Promise.all(CASES.deadline_exceeded.map((one) => one()));

    expect(seen?.message).toContain(
      'was asked to stop. It has ended without a result; Wiro does not charge it.',
    );
    expect(unseen?.message).toContain('It was not seen to end: it may still run, and be charged.');
  });
});

describe('a caller that Wiro does not accept', () => {
  it.each([
    'Wiro answered 401 "Your IP address is not allowed"',
    'it says: This IP is not in the whitelist of the project',
    'it answered 403: Request IP 3.4.5.6 is not allowed for this project',
  ])('by its address: the key is not called wrong: %s', (why) => {
    const sentence = explainUnauthorized({ why });

    expect(sentence).toMatch(/certain IP addresses only, and AWS Lambda has no fixed one/);
    expect(sentence).toMatch(/key may well be right: remove the restriction in the project's settings/);
    expect(sentence).not.toContain('npm run setup');
  });

  it('for want of a sign-in (code 98) is told so', () => {
    expect(explainUnauthorized({ why: 'it says: sign in', code: 98 })).toMatch(
      /^Wiro asks for a sign-in.*code 98/,
    );
  });

  it.each(['it says: Invalid API key', 'it says: zip expired', 'it says: the recipient is unknown'])(
    'by its key is told to store the right one: %s',
    (why) => {
      expect(explainUnauthorized({ why })).toMatch(
        /^Wiro does not accept this deployment's API key.*npm run setup/,
      );
    },
  );
});
