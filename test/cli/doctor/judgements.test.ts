import { describe, expect, it } from 'vitest';
import { judgeAlarms, judgeConcurrency } from '../../../cli/doctor/check-account.ts';
import { judgeCallback, judgeCallbackAddress } from '../../../cli/doctor/check-callback.ts';
import { judgeApi, judgeClock, judgeNotFound, judgeStack } from '../../../cli/doctor/check-stack.ts';
import { judgeLink, judgeNotifications, judgeUpload } from '../../../cli/doctor/check-storage.ts';
import { judgeSecrets, judgeWiroBehindApi, judgeWiroKey } from '../../../cli/doctor/check-wiro.ts';

const answer = (status: number, body: string | object = '') => ({
  status,
  headers: new Headers(),
  text: typeof body === 'string' ? body : JSON.stringify(body),
});
const deployment = { name: 'Shop', changedAt: '2026-11-29T01:00:00.000+0000', environment: {} };

describe('access', () => {
  it.each([
    [
      'There is no stack "Shop" in eu-central-1 in the account of these credentials: correct --stack.',
      'stack',
    ],
    ['The AWS region is missing: add --region.', 'region'],
    ['Found no AWS credentials: sign in.', 'credentials'],
    ['The AWS credentials have expired: sign in again.', 'credentials'],
    ['Found no deployment: start one on this machine.', 'stack'],
  ])('says what keeps the deployment from being found: %s', (message, check) => {
    expect(judgeNotFound(message).at(-1)).toMatchObject({ check, status: 'wrong' });
  });

  it('sees a failed deployment, one under way, and a stack of something else', () => {
    const judge = (status: string) => judgeStack({ status, alarms: [], deployment }, '0.2.0');

    expect(judge('UPDATE_COMPLETE').status).toBe('ok');
    expect(judge('UPDATE_ROLLBACK_COMPLETE').message).toContain('failed');
    expect(judge('UPDATE_IN_PROGRESS').message).toContain('under way');
    expect(judgeStack({ status: 'CREATE_COMPLETE', alarms: [] }, '0.2.0').status).toBe('wrong');
  });

  it('tells the release of the stack, and that of the command if it is another', () => {
    const judge = (release?: string) =>
      judgeStack(
        { status: 'CREATE_COMPLETE', alarms: [], deployment: { ...deployment, ...(release && { release }) } },
        '0.2.0',
      ).message;

    expect(judge('0.2.0')).toContain('CREATE_COMPLETE, release 0.2.0;');
    expect(judge('0.1.0')).toContain('release 0.1.0 (this command: 0.2.0);');
    expect(judge()).toContain('release unknown, of before it was recorded (this command: 0.2.0);');
  });

  it.each([
    [200, '', 'ok', ''],
    [404, '', 'wrong', 'older'],
    [403, 'Forbidden', 'wrong', 'credentials'],
    [403, 'InvalidSignatureException', 'wrong', 'signature'],
    [429, '', 'wrong', 'throttles'],
    [502, '', 'wrong', '502'],
  ])('judges an API that answers %s %s', (status, text, expected, message) => {
    expect(judgeApi(answer(status, text), '1.0.0')).toMatchObject({
      status: expected,
      message: expect.stringContaining(message),
    });
  });

  it('sees a clock that is wrong in either direction', () => {
    const date = 'Sun, 29 Nov 2026 02:00:00 GMT';

    expect(judgeClock(date, new Date('2026-11-29T02:00:59Z')).status).toBe('ok');
    expect(judgeClock(date, new Date('2026-11-29T02:10:00Z')).message).toContain('600 s ahead');
    expect(judgeClock(date, new Date('2026-11-29T01:50:00Z')).message).toContain('600 s behind');
    expect(judgeClock(null, new Date()).status).toBe('unchecked');
  });
});

describe('secrets and Wiro', () => {
  it('names what is missing', () => {
    expect(judgeSecrets({ hasCallbackSecret: false }, 'Run setup.')).toEqual({
      status: 'wrong',
      message: 'the API key and the callback secret missing',
      remedy: 'Run setup.',
    });
    expect(judgeSecrets({ apiKey: 'k', hasCallbackSecret: true }, '').message).toContain('key only');
  });

  const errors = (message: string, code = 0) => ({ result: false, errors: [{ code, message }] });
  it.each([
    [200, { result: true, errors: [], tasklist: [] }, 'ok', 'accepts'],
    [200, errors('There is no task yet.', 1), 'ok', 'accepts'],
    [401, 'Unauthorized', 'wrong', 'not accept'],
    [200, errors('Bearer token invalid', 99), 'wrong', 'not accept'],
    [403, errors('Your IP address is not allowed'), 'wrong', 'certain IP addresses'],
    [200, errors('Caller IP is not in the whitelist'), 'wrong', 'certain IP addresses'],
    [502, '<html>', 'wrong', '502'],
  ])('judges Wiro’s answer %s %j', (status, body, expected, message) => {
    expect(judgeWiroKey(answer(status, body), 'Run setup.')).toMatchObject({
      status: expected,
      message: expect.stringContaining(message),
    });
  });

  it.each([
    [{ code: 'not_configured', message: 'x' }, 'lacks its secrets'],
    [{ code: 'upstream_unavailable', message: 'IP address not in allow-list' }, 'certain IP addresses'],
    [{ code: 'upstream_unavailable', message: 'Wiro answered 401' }, "deployment's key"],
    [
      { code: 'upstream_unavailable', message: 'no answer at https://a.b/c?X-Amz-Signature=s' },
      'https://a.b/…',
    ],
  ])('judges what the deployment gets from Wiro: %j', (error, message) => {
    const judged = judgeWiroBehindApi(answer(503, { error }), 'Run setup.');

    expect(judged).toMatchObject({ status: 'wrong', message: expect.stringContaining(message) });
    expect(JSON.stringify(judged)).not.toContain('Signature');
  });
});

describe('callbacks', () => {
  const forged = answer(403, 'forged');
  const postOnly = answer(405, 'POST only');
  it.each([
    ['reached', forged, postOnly, 'ok', 'reached'],
    ['reached by POST alone', forged, answer(403, '<html>'), 'ok', 'reached'],
    ['another path', forged, forged, 'wrong', 'path'],
    ['another method', postOnly, postOnly, 'wrong', 'POST into GET'],
    ['no secrets', answer(503, 'try again'), postOnly, 'wrong', 'secrets'],
    ['a redirect', answer(301), answer(301), 'wrong', 'redirects'],
    ['a sign-in', answer(401), answer(401), 'wrong', 'credentials'],
    ['a refusal by AWS', answer(403, '{"Message":"Forbidden"}'), answer(403, 'x'), 'wrong', 'credentials'],
    ['nothing there', answer(404), answer(404), 'wrong', '404'],
    ['throttling', answer(429), answer(429), 'wrong', 'throttles'],
    ['something else', answer(200, 'hello'), answer(200), 'wrong', 'something else'],
  ])('sees %s', (_, post, get, status, message) => {
    expect(judgeCallback({ post, get })).toMatchObject({ status, message: expect.stringContaining(message) });
  });

  it('sees an address that Wiro cannot reach', () => {
    const wiro = 'https://api.wiro.ai/v1';
    for (const base of ['http://localhost:3000', 'https://10.1.2.3/x', 'http://[::1]/', 'nonsense'])
      expect(judgeCallbackAddress(base, wiro)?.status).toBe('wrong');
    expect(judgeCallbackAddress('https://calls.example.com', wiro)).toBeUndefined();
    expect(judgeCallbackAddress('http://localhost:3000', 'http://127.0.0.1:4000/v1')).toBeUndefined();
  });
});

describe('S3', () => {
  const denied = answer(403, '<Code>AccessDenied</Code><Url>https://b/k?X-Amz-Signature=1</Url>');

  it('sees refused uploads, without the link', () => {
    const judged = judgeUpload({ link: answer(201), put: denied });

    expect(judged).toMatchObject({ status: 'wrong', message: expect.stringContaining('403 AccessDenied') });
    expect(JSON.stringify(judged)).not.toContain('Signature');
    expect(judgeUpload({ link: answer(404) }).message).toContain('404');
    expect(judgeUpload({ link: answer(400, { error: { message: 'Not allowed.' } }) }).message).toContain(
      'Not allowed.',
    );
    expect(judgeUpload({ link: answer(201), put: answer(200) }).status).toBe('ok');
  });

  it('sees links that cannot be read', () => {
    expect(judgeLink({ list: answer(200), read: answer(206) }).status).toBe('ok');
    expect(judgeLink({ list: answer(200), read: answer(416) }).status).toBe('ok');
    expect(judgeLink({ list: answer(200), read: denied }).message).toContain('AccessDenied');
    expect(judgeLink({ list: answer(200), read: answer(404) }).message).toContain('no longer');
    expect(judgeLink({ list: answer(200) }).status).toBe('unchecked');
  });

  it('sees notifications that are missing, or of another function', () => {
    const xml = (name: string, prefix: string) =>
      `<NotificationConfiguration><CloudFunctionConfiguration><CloudFunction>arn:aws:lambda:eu-central-1:1:function:${name}</CloudFunction><Filter><S3Key><FilterRule><Name>prefix</Name><Value>${prefix}</Value></FilterRule></S3Key></Filter></CloudFunctionConfiguration></NotificationConfiguration>`;

    expect(judgeNotifications(xml('Submit', 'requests/'), 'Submit').status).toBe('ok');
    expect(judgeNotifications(xml('Other', 'requests/'), 'Submit').status).toBe('wrong');
    expect(judgeNotifications(xml('Submit', 'uploads/'), 'Submit').status).toBe('wrong');
    expect(judgeNotifications('<NotificationConfiguration/>', 'Submit').status).toBe('wrong');
  });
});

describe('the account', () => {
  it('sees the concurrency of a new account', () => {
    expect(judgeConcurrency(10)).toMatchObject({
      status: 'wrong',
      message: expect.stringContaining('only 10'),
    });
    expect(judgeConcurrency(1_000).status).toBe('ok');
  });

  it('sees alarms that nobody hears, and those that ring', () => {
    const alarm = { name: 'Failures', isInAlarm: false, actions: ['arn:aws:sns:x:1:ops'] };
    const hears = (subscribers: number) => new Map([['arn:aws:sns:x:1:ops', subscribers]]);

    expect(judgeAlarms([alarm], hears(1)).status).toBe('ok');
    expect(judgeAlarms([alarm], hears(0)).message).toContain('no confirmed subscriber');
    expect(judgeAlarms([{ ...alarm, actions: [] }], new Map()).message).toContain('no action');
    expect(judgeAlarms([{ ...alarm, isInAlarm: true }], hears(1)).message).toContain('Failures');
    expect(judgeAlarms([], new Map()).status).toBe('unchecked');
  });
});
