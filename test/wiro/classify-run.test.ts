import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyRun } from '../../functions/wiro/classify-run.ts';
import type { PostResult } from '../../functions/wiro/http.ts';

const classify = (result: PostResult) => classifyRun(result, 'wiro/story', (text) => text);
const answered = (body: unknown, status = 200) =>
  classify({ kind: 'answered', status, text: typeof body === 'string' ? body : JSON.stringify(body) });
const refused = (...errors: unknown[]) => answered({ result: false, errors });

describe('ran', () => {
  it.each([
    ['as documented', { result: true, errors: [], taskid: '2221', socketaccesstoken: 'tok' }, '2221', 'tok'],
    ['numbers and booleans in the other spelling', { result: 'true', taskid: 2221 }, '2221', undefined],
    ['nulls', { result: true, errors: null, taskid: '7', socketaccesstoken: null }, '7', undefined],
    [
      'a warning beside the task',
      { result: true, errors: [{ code: 0, message: 'slow' }], taskid: '7' },
      '7',
      undefined,
    ],
  ])('%s', (_, body, taskId, taskToken) => {
    expect(answered(body)).toEqual({ kind: 'ran', taskId, ...(taskToken && { taskToken }) });
  });
});

const codeOf = (error: unknown) =>
  typeof error === 'object' && error !== null && 'code' in error ? { code: Number(error.code) } : {};

describe('not run', () => {
  it.each([
    [
      { code: 96, message: 'With $50.00 you can run up to 5 tasks at the same time.' },
      { reason: 'concurrencyLimit', limit: 5 },
    ],
    [{ code: '96', message: 'too many' }, { reason: 'concurrencyLimit' }],
    [{ code: 97, message: 'Insufficient balance' }, { reason: 'insufficientBalance' }],
    [{ code: 98, message: 'sign in to run this model' }, { reason: 'unauthorized' }],
    [{ code: 99, message: 'expired' }, { reason: 'unauthorized' }],
    [{ code: 1, message: 'tool-not-accessible' }, { reason: 'notFound' }],
    [{ code: 42, message: 'new' }, { reason: 'refused' }],
    [
      { code: 0, message: 'Request parameter [prompt] required' },
      { reason: 'invalid', field: 'prompt' },
    ],
    [
      { code: '0', message: 'Request files [inputImage] required' },
      { reason: 'invalid', field: 'inputImage' },
    ],
    [
      { code: 0, message: 'Request parameter [steps] must be integer or float' },
      { reason: 'invalid', field: 'steps' },
    ],
    [
      { code: 0, message: 'Request parameter [scale] must be between 0.5 and 20' },
      { reason: 'invalid', field: 'scale' },
    ],
    ['Request parameter [prompt] required', { reason: 'invalid', field: 'prompt' }],
    [{ code: 0, message: 'Request parameters are invalid.' }, { reason: 'invalid' }],
    [
      { code: 0, message: 'This model is not allowed in your team. Contact your team admin.' },
      { reason: 'notFound' },
    ],
    [{ code: 0, message: 'This model is not available for your team' }, { reason: 'notFound' }],
    [{ code: 0, message: 'Your account has been suspended. Please contact support.' }, { reason: 'refused' }],
    [{ code: 0, message: "You don't have any permission for this action." }, { reason: 'refused' }],
  ])('%j', (error, expected) => {
    expect(refused(error)).toEqual({
      kind: 'notRun',
      message: expect.stringContaining('Cannot run "wiro/story"'),
      why: expect.stringMatching(/^it says: /),
      ...codeOf(error),
      ...expected,
    });
  });

  it.each([
    [401, 'unauthorized'],
    [429, 'busy'],
  ])('status %i without JSON', (status, reason) => {
    expect(answered('<html>', status)).toMatchObject({ kind: 'notRun', reason });
  });

  it('keeps the code of a 401: it says what is missing', () => {
    const refused = { result: false, errors: [{ code: 98, message: 'sign in to run this model' }] };

    expect(answered(refused, 401)).toMatchObject({ kind: 'notRun', reason: 'unauthorized', code: 98 });
  });

  it.each([
    [401, 'unauthorized'],
    [404, 'notFound'],
    [429, 'busy'],
  ])('status %i with an answer of Wiro', (status, reason) => {
    expect(answered({ result: false, errors: [{ code: 0, message: 'because' }] }, status)).toMatchObject({
      kind: 'notRun',
      reason,
      message: `Cannot run "wiro/story": Wiro answered ${status} "because"`,
    });
  });

  it.each([400, 403, 422])('for a certain refusal with status %i', (status) => {
    const body = { result: false, errors: [{ code: 97, message: 'Insufficient balance' }] };

    expect(answered(body, status)).toMatchObject({ kind: 'notRun', reason: 'insufficientBalance' });
  });

  it('if no connection was established', () => {
    expect(
      classify({ kind: 'failed', failure: 'unreachable', isSent: false, message: 'ECONNREFUSED' }),
    ).toEqual({
      kind: 'notRun',
      reason: 'unreachable',
      message: 'Cannot run "wiro/story": ECONNREFUSED',
      why: 'ECONNREFUSED',
    });
  });

  it('for several errors that are all certain: the first gives the reason', () => {
    expect(refused({ code: 97, message: 'balance' }, { code: 96, message: 'limit' })).toMatchObject({
      kind: 'notRun',
      reason: 'insufficientBalance',
    });
  });
});

describe('unknown', () => {
  it.each([
    [
      'a broken connection',
      { kind: 'failed', failure: 'cutOff', isSent: true, message: 'ECONNRESET' } as const,
    ],
    ['a time-out', { kind: 'failed', failure: 'timeout', isSent: true, message: 'late' } as const],
    ['an oversized answer', { kind: 'failed', failure: 'tooLarge', isSent: true, message: 'large' } as const],
  ])('%s after the request went out', (_, result) => {
    expect(classify(result).kind).toBe('unknown');
  });

  it.each([500, 502, 503, 400, 403, 404, 302, 204])(
    'for status %i with a page or an empty body',
    (status) => {
      expect(answered('', status)).toEqual({ kind: 'unknown', message: expect.any(String) });
      expect(answered('<html>Not Found</html>', status)).toEqual({
        kind: 'unknown',
        message: expect.any(String),
      });
    },
  );

  it.each([
    ['a gateway that speaks JSON', { message: 'Not Found' }],
    ['a 404 that names a task', { result: false, errors: [], taskid: '5' }],
  ])('status 404, %s', (_, body) => {
    expect(answered(body, 404).kind).toBe('unknown');
  });

  it.each([500, 503])('for status %i with any body: a failing server may have run it', (status) => {
    expect(answered({ result: false, errors: [{ code: 97, message: 'x' }] }, status)).toEqual({
      kind: 'unknown',
      message: expect.any(String),
    });
  });

  it.each<[string, number, unknown[], string]>([
    [
      'code 0, a text that is not documented',
      200,
      [{ code: 0, message: 'Spend limit reached' }],
      'Spend limit reached',
    ],
    ['the same with status 400', 400, [{ code: 0, message: 'Spend limit reached' }], 'Spend limit reached'],
    ['a bare string', 200, ['No.'], 'No.'],
    [
      'two',
      200,
      [
        { code: 0, message: 'A' },
        { code: 97, message: 'B' },
      ],
      'A; B',
    ],
    ['nothing at all', 200, [], 'no reason given'],
  ])('with the words of a refusal: %s', (_, status, errors, refusal) => {
    expect(answered({ result: false, errors }, status)).toMatchObject({ kind: 'unknown', refusal });
  });

  it.each([401, 429])('with status %i if the answer names a task', (status) => {
    expect(answered({ result: true, taskid: '5' }, status)).toMatchObject({ kind: 'unknown' });
    expect(answered({ result: false, errors: [], taskid: '5' }, status)).toMatchObject({ kind: 'unknown' });
  });

  it('without a refusal text if the refusal names a task', () => {
    const outcome = answered({ result: false, errors: [{ code: 0, message: 'x' }], taskid: '5' });

    expect(outcome).not.toHaveProperty('refusal');
  });

  it.each([
    ['no JSON', '<html>down</html>'],
    ['nothing', ''],
    ['half an answer', '{"result":true,"taskid":"22'],
    ['no result', { taskid: '5' }],
    ['no task', { result: true, errors: [] }],
    ['task null', { result: true, taskid: null }],
    ['task "0"', { result: true, taskid: '0' }],
    ['task ""', { result: true, taskid: '' }],
    ['refused, yet a task', { result: false, errors: [{ code: 97, message: 'x' }], taskid: '5' }],
    ['refused without errors', { result: false, errors: [] }],
    ['refused, errors null', { result: false, errors: null }],
    ['code 0, other text', { result: false, errors: [{ code: 0, message: 'Internal error' }] }],
    [
      'code 0 that quotes a validation',
      { result: false, errors: [{ code: 0, message: 'Crash after Request parameter [x] required' }] },
    ],
    ['empty code', { result: false, errors: [{ code: '', message: 'x' }] }],
    ['code null', { result: false, errors: [{ code: null, message: 'x' }] }],
    ['a bare string', { result: false, errors: ['something'] }],
    ['a null entry', { result: false, errors: [null] }],
    [
      'one certain error and one open',
      {
        result: false,
        errors: [
          { code: 97, message: 'x' },
          { code: 0, message: 'y' },
        ],
      },
    ],
  ])('%s', (_, body) => {
    expect(answered(body).kind).toBe('unknown');
  });
});

it('never throws, and returns unknown for any answer without a readable `result`', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(answered(text).kind).toBe('unknown');
    }),
  );
});
