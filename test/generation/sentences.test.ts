import { S3ServiceException } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerRequest } from '../../functions/api/routes.ts';
import type { CollectDeps } from '../../functions/collect/collect-deps.ts';
import { collectGeneration } from '../../functions/collect/collect-generation.ts';
import { addNoCharge, type ErrorCode, type GenerationError } from '../../functions/generation/errors.ts';
import { type Generation, hasEnded } from '../../functions/generation/generation.ts';
import { claimToCollect } from '../../functions/generation/transitions/collect.ts';
import { noteLook } from '../../functions/generation/transitions/look.ts';
import { requestCancel } from '../../functions/generation/transitions/request-cancel.ts';
import { claimToSubmit } from '../../functions/generation/transitions/submit.ts';
import { addSetback } from '../../functions/generation/transitions/trouble.ts';
import { DailyLimitError } from '../../functions/intake/count-new.ts';
import { explainUnauthorized } from '../../functions/intake/explain-unauthorized.ts';
import { InputAccessError, InputChangedError } from '../../functions/objects/errors.ts';
import { OutputRefusedError } from '../../functions/outputs/errors.ts';
import { log } from '../../functions/runtime/log.ts';
import { InputError, UploadsRefusedError } from '../../functions/submit/bring-inputs.ts';
import { explainEndBeforeRun, explainInputFailure } from '../../functions/submit/explain-failure.ts';
import type { SubmitDeps } from '../../functions/submit/submit-deps.ts';
import { submitGeneration } from '../../functions/submit/submit-generation.ts';
import { WiroError } from '../../functions/wiro/errors.ts';
import type { RunOutcome, Task } from '../../functions/wiro/types.ts';
import { doorWorld } from '../intake/door-world.ts';
import { SUBMIT_DEFAULTS } from '../submit/submit-defaults.ts';
import { ID, workWorld } from '../support/work-world.ts';
import { EXAMPLES, moment } from './examples.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});
afterEach(() => void vi.restoreAllMocks());

const HOUR = 3_600;

type Told = Pick<GenerationError, 'code' | 'message'>;
type World = ReturnType<typeof workWorld>;
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
const withoutTask = ({ task: _, ...failed }: typeof EXAMPLES.failed) => failed;
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
    explainEndBeforeRun(explainInputFailure(new InputError('inputs.image', cause)));

const denied = (name: string) =>
  new InputAccessError(
    { bucket: 'b', key: 'a.png' },
    new S3ServiceException({ name, message: 'no', $fault: 'client', $metadata: { httpStatusCode: 403 } }),
  );

/** How a generation ends if every Run gets this answer. */
const submitting =
  (
    outcome: Partial<RunOutcome>,
    hours = 24,
    before: (world: World) => Promise<void> = async () => undefined,
  ): Case =>
  async () => {
    const world = workWorld();
    await world.accept(ID);
    await before(world);
    const deps: SubmitDeps = {
      ...world.shared,
      ...SUBMIT_DEFAULTS,
      wiro: {
        run: async () => ({ message: '', why: 'it says: no', ...outcome }) as RunOutcome,
        tasks: async () =>
          'isLost' in outcome
            ? Promise.reject(new WiroError('badAnswer', 'no answer', { retryable: false }))
            : { tasks: [], rows: 0 },
        model: async () => undefined,
        task: async () => undefined,
        upload: () => Promise.reject(new Error('not asked for')),
      },
    };
    return endOf(world, () => submitGeneration(deps, ID), hours);
  };

async function endOf(world: World, look: () => Promise<unknown>, hours: number) {
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
      before = async () => undefined,
    }: {
      copy?: () => Promise<never>;
      isCancelled?: boolean;
      before?: (world: World) => Promise<void>;
    } = {},
  ): Case =>
  async () => {
    const world = workWorld();
    await world.run(ID, 'task-1');
    await before(world);
    const now = () => ({ now: world.shared.clock().toISOString(), durations: world.shared.durations });
    if (isCancelled) await world.generations.update(ID, (current) => requestCancel(current, now()));
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

// --- killed ---------------------------------------------------------------------------------------------------

/** One more holder is killed after five, and the next one looks. */
async function killOneMore(world: World, during: 'submitting' | 'collecting') {
  const moment = { now: world.shared.clock().toISOString(), durations: world.shared.durations };
  const deaths = { count: 5, during, holder: 'another', progress: 0 };
  await world.shared.notes.change(ID, 1, () => ({ deaths }));
  await world.generations.update(ID, (current) =>
    during === 'collecting'
      ? claimToCollect(current, 'killed', moment)
      : claimToSubmit(current, 'killed', moment),
  );
  world.pass(HOUR);
}

// --- every code -----------------------------------------------------------------------------------------------

const WHY = 'it says: no';

/** No generation ends with this code. test/collect/copy-in-turn checks its sentence. */
type SetbackAlone = 'output_in_line';

/** What a sentence says about money, and what it must not say then. */
const MONEY = {
  notCharged: {
    says: /Nothing was run or charged|nothing (?:was|is) charged|Wiro does not charge it/i,
    never: /paid for|may be paid|run,? and be charged|may be charged[.:;]/,
  },
  /** About a retry: the generation may have been charged before. */
  retryCostsNothing: {
    says: /This retry started nothing(?:$|:| and costs nothing)/,
    never: /Nothing was run or charged/,
  },
  requestCostsNothing: {
    says: /This request started nothing and costs nothing/,
    never: /Nothing was run or charged/,
  },
  mayBeCharged: {
    says: /may be paid for|run,? and be charged|may be charged/,
    never: /Nothing was run|nothing (?:was|is) charged|is paid for|does not charge/i,
  },
  charged: { says: /Task task-1 is paid for/, never: /may be paid|Nothing was|nothing is/i },
  /** Money is no question. */
  none: { says: /./, never: /charge|paid/ },
} as const;

/** A way to cause a code, and what its sentence says. */
type Way = readonly [come: Case, money: keyof typeof MONEY, remedy: RegExp];

const AGAIN = /retry asks about it again and collects it without paying again$/;
const ADDRESS =
  /npm run setup.* with them; if the project restricts IP addresses, remove that.*retry it then$/;

/** Ways to cause each code. A new code does not compile until its sentence is checked here. */
const CASES: Readonly<Record<Exclude<ErrorCode, 'cancelled' | SetbackAlone>, readonly Way[]>> = {
  invalid_request: [
    [
      post('{'),
      'notCharged',
      /expected a name in double quotes or "\}" at line 1, column 2, but the text ends there$/,
    ],
    [post('a,b\n1,2'), 'notCharged', /Write \{"model".*\}$/],
    [
      post({ ...GOOD, prompt: 1 }),
      'notCharged',
      /is not a field of a request\. Its fields are model, parameters, inputs, .*labels, maxCostUsd$/,
    ],
    [post([]), 'notCharged', /must be a JSON object: \{"model": .*\}$/],
  ],
  invalid_parameter: [
    [post({ ...GOOD, model: 'flux' }), 'notCharged', /must be "owner\/project", as in .*at Wiro$/],
    [
      post({ ...GOOD, inputs: { image: 'ftp://a/b' } }),
      'notCharged',
      /must be an https:\/\/ URL, .*is not supported$/,
    ],
    [submitting({ kind: 'notRun', reason: 'invalid' }), 'notCharged', /correct it, and request it again$/],
  ],
  request_too_large: [
    [post('x'.repeat(1_048_577)), 'notCharged', /put large inputs into the input bucket and name them$/],
  ],
  model_not_found: [
    [
      post(GOOD, knowing({ kind: 'unknownModel' })),
      'notCharged',
      /take owner\/project from the model's address at Wiro$/,
    ],
    [
      submitting({ kind: 'notRun', reason: 'notFound' }),
      'notCharged',
      /with another model, or .*retry with \{"force": true\}$/,
    ],
  ],
  model_not_supported: [
    [
      post(GOOD, knowing({ kind: 'unsupportedModel', modelKind: 'realtime' })),
      'notCharged',
      /Use another model, or allow this kind in .*furtherModelKinds \("realtime"\)$/,
    ],
  ],
  model_not_allowed: [
    [
      post(GOOD, (world) => void Object.assign(world.deps, { allowedModels: ['google/veo*', 'wiro/other'] })),
      'notCharged',
      /It runs google\/veo\*, wiro\/other: use one of these, or add the model to .*setting models$/,
    ],
  ],
  price_too_high: [
    [
      post(
        { ...GOOD, maxCostUsd: 0.01 },
        knowing({
          kind: 'model',
          modelKind: 'plain',
          schema: { parameters: [] },
          prices: [{ inputs: {}, price: 0.3, priceMethod: 'cpr' }],
        }),
      ),
      'notCharged',
      /maxCostUsd is 0\.01 USD, but this costs 0\.3 USD: raise the limit, or change what the price depends on$/,
    ],
  ],
  input_not_found: [[withInput('no.png'), 'notCharged', /put it there first, or correct the key$/]],
  input_not_allowed: [[withInput('s3://secrets/a.png'), 'notCharged', /put the object into "photos"$/]],
  input_empty: [[withInput('a.png', { sizeBytes: 0 }), 'notCharged', /put it again, whole$/]],
  input_too_large: [[withInput('a.png', { sizeBytes: 105_000_000 }), 'notCharged', /make it smaller$/]],
  input_changed: [
    [
      input(new InputChangedError('gone')),
      'notCharged',
      /request it again, and leave the object until the generation runs$/,
    ],
  ],
  input_archived: [
    [withInput('a.png', { isArchived: true }), 'notCharged', /restore it, then request it again$/],
  ],
  input_unreadable: [
    [input(denied('AccessDenied')), 'notCharged', /grant its functions read access, then request it again$/],
    [input(denied('NoSuchBucket')), 'notCharged', /name another one$/],
    [
      input(denied('PermanentRedirect')),
      'notCharged',
      /copy the object to a bucket in this deployment's region$/,
    ],
  ],
  input_unsupported: [[withInput('a.tiff', {}), 'notCharged', /convert it to one of jpg, .* and zip$/]],
  idempotency_conflict: [
    [
      async () => {
        const world = doorWorld();
        await world.post({ ...GOOD, idempotencyKey: 'k' });
        const { body } = await world.post({ model: 'a/b', idempotencyKey: 'k' });
        return 'error' in body ? (body.error as GenerationError) : undefined;
      },
      'requestCostsNothing',
      /use a new key for a new request$/,
    ],
  ],
  daily_limit_reached: [
    [
      () => addNoCharge(new DailyLimitError(1, { limit: 1, left: 0, opensAt: 'tomorrow' }).error),
      'notCharged',
      /try again after tomorrow$/,
    ],
  ],
  not_retryable: [
    [
      call('POST', `/generations/${EXAMPLES.running.id}/retry`, EXAMPLES.running),
      'retryCostsNothing',
      /ask again once it has ended$/,
    ],
    [
      call('POST', `/generations/${EXAMPLES.succeeded.id}/retry`, EXAMPLES.succeeded),
      'retryCostsNothing',
      /request a new one for another result$/,
    ],
    [
      call('POST', `/generations/${ID}/retry`, {
        ...EXAMPLES.failed,
        taskEnd: 'failed',
        error: { code: 'invalid_parameter', message: 'No.', retryable: false },
      }),
      'retryCostsNothing',
      /correct the request and send it anew, or retry with \{"force": true\}, which may be charged, if .*outside of it$/,
    ],
    [
      call('POST', `/generations/${ID}/retry`, {
        ...withoutTask(EXAMPLES.failed),
        error: { code: 'submission_unknown', message: 'Lost.', retryable: false },
      }),
      'retryCostsNothing',
      /look at the tasks at Wiro, then retry with \{"force": true\}, which may pay twice$/,
    ],
  ],
  not_found: [
    [call('GET', '/x'), 'none', /use .*POST \/generations, GET .* or POST .*\/retry$/],
    [call('GET', '/generations/x'), 'none', /check the id, and that this deployment accepted it$/],
  ],
  method_not_allowed: [[call('DELETE', '/generations'), 'none', /use GET or POST$/]],
  not_configured: [
    [
      post(
        GOOD,
        (world) => void Object.assign(world.deps, { missingSecrets: async () => 'the key is not there' }),
      ),
      'notCharged',
      /the key is not there\. Then send the request again$/,
    ],
    [
      () => explainEndBeforeRun({ code: 'not_configured', message: 'This deployment lacks its secrets.' }),
      'notCharged',
      /store them, then retry it$/,
    ],
  ],
  insufficient_balance: [
    [
      submitting({ kind: 'notRun', reason: 'insufficientBalance' }),
      'notCharged',
      /add funds at Wiro, then retry$/,
    ],
  ],
  upstream_unauthorized: [
    [submitting({ kind: 'notRun', reason: 'unauthorized' }), 'notCharged', ADDRESS],
    [input(new WiroError('unauthorized', 'no', { why: WHY })), 'notCharged', ADDRESS],
  ],
  upstream_refused: [
    [
      submitting({ kind: 'notRun', reason: 'refused' }),
      'notCharged',
      /retry with \{"force": true\}, or request something else$/,
    ],
    [
      submitting({ kind: 'unknown', refusal: 'Your team is over its limit' }),
      'notCharged',
      /correct the request, or fix at Wiro what it names, and retry$/,
    ],
    [input(new UploadsRefusedError(WHY)), 'notCharged', /set inputHandover to .*, or ask Wiro, and retry$/],
  ],
  upstream_unavailable: [
    [submitting({ kind: 'notRun', reason: 'busy' }), 'notCharged', /retry it once Wiro can be reached$/],
    [
      collecting(wiroSays(new WiroError('status', 'Cannot call', { why: 'it answered 503' }))),
      'mayBeCharged',
      AGAIN,
    ],
  ],
  submission_unknown: [
    [
      submitting({ kind: 'unknown', isLost: true } as object, 48),
      'mayBeCharged',
      /retry with \{"force": true\} runs it again, which may be paid twice$/,
    ],
  ],
  waited_too_long: [
    [
      () => {
        const end = noteLook(
          { ...EXAMPLES.waiting, dueAt: moment(0).now },
          moment(8 * 24 * HOUR),
          moment(0).now,
        );
        if (end.status !== 'failed') throw new Error('It still waits');
        return end.error;
      },
      'notCharged',
      /Retry it when fewer generations wait, or allow a longer wait; .*balance$/,
    ],
  ],
  function_killed: [
    [
      submitting({}, 24, (world) => killOneMore(world, 'submitting')),
      'notCharged',
      /Request it with smaller inputs, or retry$/,
    ],
    [
      collecting(() => succeeded, { before: (world) => killOneMore(world, 'collecting') }),
      'mayBeCharged',
      /A retry fetches its outputs and pays nothing$/,
    ],
  ],
  model_failed: [
    [
      collecting(() => task({ end: 'failed', errorText: 'Out of memory' })),
      'notCharged',
      /Retry it to run anew, or request it with other parameters$/,
    ],
  ],
  task_not_found: [
    [
      collecting(() => undefined),
      'mayBeCharged',
      /without paying again\. Should Wiro never know it again, request it anew$/,
    ],
  ],
  task_unreadable: [
    [
      collecting(wiroSays(new WiroError('tooLarge', 'too large'))),
      'mayBeCharged',
      /Look at it at Wiro; a retry reads it again without paying again$/,
    ],
  ],
  deadline_exceeded: [
    [
      collecting((isKilled) => task(isKilled ? { end: 'cancelled' } : {})),
      'notCharged',
      /Retry it to run anew, or allow more time \(deadline\)$/,
    ],
    [
      collecting(() => task({})),
      'mayBeCharged',
      /without paying again; one with \{"force": true\} runs anew$/,
    ],
  ],
  cancel_unconfirmed: [
    [
      collecting(() => task({}), { isCancelled: true }),
      'mayBeCharged',
      /without paying again if it ends after all; one with \{"force": true\} runs anew$/,
    ],
  ],
  output_unavailable: [
    [
      collecting(() => task({ end: 'succeeded', outputs: [{ kind: 'file', name: '0.png' }] })),
      'charged',
      /retry collects it without paying again; do so soon, Wiro keeps outputs for a limited time$/,
    ],
  ],
  output_refused: [
    [
      collecting(() => succeeded),
      'charged',
      /or allow what was refused .*, then a retry collects it without paying again$/,
    ],
  ],
  internal_error: [
    [
      () => explainEndBeforeRun({ code: 'internal_error', message: 'This deployment could not reach S3.' }),
      'notCharged',
      /retry it$/,
    ],
    [
      collecting(() => {
        throw new Error('DynamoDB is away');
      }),
      'mayBeCharged',
      AGAIN,
    ],
  ],
};

/** The sentence about money that a door adds after the remedy. */
const ADDED = / (?:Nothing was run or charged|This retry started nothing and costs nothing)$/;

describe('every error says what happened, what it means for money, and what to do', () => {
  const all = Object.entries(CASES).flatMap(([code, ways]) =>
    ways.map(([one, money, remedy], nth) => [code, nth, one, MONEY[money], remedy] as const),
  );

  it.each(all)('%s, in its way %i', async (code, _, one, money, remedy) => {
    const told = await one();

    expect(told?.code).toBe(code);
    const message = told?.message ?? '';
    expect(message).toMatch(/[.)]$/);
    expect(message).toMatch(money.says);
    expect(message).not.toMatch(money.never);
    // The last words, or the last before the sentence about money.
    expect(message.replace(/\.$/, '').replace(ADDED, '').replace(/\.$/, '')).toMatch(remedy);
    // No internals, no attempt named twice, and no address of an output.
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
    const told = await CASES[code].at(-1)?.[0]();

    expect(told?.message).toMatch(/task task-1/i);
    expect(told?.message).toMatch(/a retry .*without paying again/i);
  });

  it('a task that was only asked to stop is not called stopped', async () => {
    const [seen, unseen] = await Promise.all(CASES.deadline_exceeded.map(([one]) => one()));

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
  ])('because of its address does not read that the key is wrong: %s', (why) => {
    const sentence = explainUnauthorized({ why });

    expect(sentence).toMatch(/certain IP addresses only, and AWS Lambda has no fixed one/);
    expect(sentence).toMatch(/key may be right: remove the restriction in the project's settings/);
    expect(sentence).not.toContain('npm run setup');
  });

  it('because it needs a sign-in (code 98) reads that', () => {
    expect(explainUnauthorized({ why: 'it says: sign in', code: 98 })).toMatch(
      /^Wiro asks for a sign-in.*code 98/,
    );
  });

  it.each(['it says: Invalid API key', 'it says: zip expired', 'it says: the recipient is unknown'])(
    'because of its key reads how to store the right one: %s',
    (why) => {
      expect(explainUnauthorized({ why })).toMatch(
        /^Wiro does not accept this deployment's API key.*npm run setup/,
      );
    },
  );

  it('reads the whole remedy while the key is tried again, whatever Wiro says in a hundred characters', () => {
    const message = explainUnauthorized({ why: 'w'.repeat(100) });
    const { trouble } = addSetback(
      EXAMPLES.submitting,
      { code: 'upstream_unauthorized', message },
      moment(0),
    );

    expect(trouble.message).toBe(message);
  });
});
