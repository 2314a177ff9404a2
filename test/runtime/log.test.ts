import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { beginInvocation, log } from '../../functions/runtime/log.ts';
import { describeLog } from '../../local/describe-log.ts';

let written: string[] = [];
beforeEach(() => {
  written = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  beginInvocation({ awsRequestId: '6f2a' });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const lines = () => written.map((line) => JSON.parse(line));

describe('a log line', () => {
  it('is one line of JSON with its level, timestamp and invocation', () => {
    log.warn('Something\nhappened', { generationId: 'g1', count: 2 });

    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/^[^\n]+\n$/);
    expect(lines()).toEqual([
      {
        level: 'WARN',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        message: 'Something\nhappened',
        requestId: '6f2a',
        generationId: 'g1',
        count: 2,
      },
    ]);
  });

  it('describes an error by name, message and causes, without stacks and other properties', () => {
    const cause = Object.assign(new TypeError('no route'), { headers: { authorization: 'secret' } });

    log.error('It failed', { error: new Error('cannot connect', { cause }) });

    expect(lines()[0].error).toEqual({
      name: 'Error',
      message: 'cannot connect',
      cause: { name: 'TypeError', message: 'no route' },
    });
  });

  it('is a measurement too, in the embedded metric format', () => {
    vi.stubEnv('METRICS_NAMESPACE', 'WiroGenerations');
    vi.stubEnv('DEPLOYMENT', 'shop');

    log.info('It ended', { generationId: 'g1' }, { Succeeded: 1, TimeToResult: 12.5 });

    const [line] = lines();
    expect(line).toMatchObject({ generationId: 'g1', Deployment: 'shop', Succeeded: 1, TimeToResult: 12.5 });
    expect(line._aws).toEqual({
      Timestamp: Date.parse(line.timestamp),
      CloudWatchMetrics: [
        {
          Namespace: 'WiroGenerations',
          Dimensions: [['Deployment']],
          Metrics: [
            { Name: 'Succeeded', Unit: 'Count' },
            { Name: 'TimeToResult', Unit: 'Seconds' },
          ],
        },
      ],
    });
  });

  it('measures nothing if the deployment has no metrics namespace', () => {
    log.info('It ended', { generationId: 'g1' }, { Succeeded: 1 });

    expect(Object.keys(lines()[0])).toEqual(['level', 'timestamp', 'message', 'requestId', 'generationId']);
  });

  it('is shown to people without the fields for CloudWatch', () => {
    const facts = { generationId: 'g1', _aws: { Timestamp: 1 }, Succeeded: 1 };

    const shown = describeLog({
      at: new Date(),
      functionName: 'wiro-local-callback',
      requestId: '6f2a0000-1',
      level: 'INFO',
      message: 'A generation ended',
      facts,
    });

    expect(shown).toMatch(/callback {2}6f2a0000 INFO {2}A generation ended generationId=g1 Succeeded=1$/);
  });
});
