import { describe, expect, it } from 'vitest';
import type { Announcement } from '../../functions/generation/generation.ts';
import { startRetry } from '../../functions/generation/retry.ts';
import { at, EXAMPLES, moment } from './examples.ts';

const untold = (count: number): readonly Announcement[] =>
  Array.from({ length: count }, (_, n) => ({ eventId: `x.${n}`, type: 'Failed', attempt: n, at: at(0) }));

it('no attempt starts while the events of earlier ones cannot be delivered: their list would grow without end', () => {
  const generation = { ...EXAMPLES.failed, announcements: untold(20) };

  expect(() => startRetry(generation, true, moment(40))).toThrow(
    /20 events .* event bus yet\. .*: try again/,
  );
  expect(startRetry({ ...generation, announcements: untold(19) }, false, moment(40)).attempt).toBe(2);
});

describe('a retry obeys retryable', () => {
  const hopeless = {
    ...EXAMPLES.failed,
    taskEnd: 'failed',
    error: { code: 'invalid_parameter', message: 'steps must be a number.', retryable: false },
  } as const;

  it('what would fail again runs again only with force', () => {
    expect(() => startRetry(hopeless, false, moment(100))).toThrow(
      expect.objectContaining({
        error: expect.objectContaining({
          code: 'not_retryable',
          field: 'force',
          message: expect.stringMatching(
            /^It failed with invalid_parameter, .*: steps must be a number\. .*: correct the request .*\{"force": true\}/,
          ),
        }),
      }),
    );
    expect(startRetry(hopeless, true, moment(100))).toMatchObject({ status: 'queued', attempt: 2 });
  });

  it('what may succeed later runs again, and so does what was cancelled', () => {
    const { error } = hopeless;

    expect(startRetry({ ...hopeless, error: { ...error, retryable: true } }, false, moment(100)).status).toBe(
      'queued',
    );
    expect(startRetry(EXAMPLES.cancelled, false, moment(100)).status).toBe('queued');
  });

  it('a paid task is collected again even if its error is not retryable: that costs nothing', () => {
    const refused = { code: 'output_refused', message: 'A host.', retryable: false } as const;

    const paid = { ...hopeless, taskEnd: 'succeeded', error: refused } as const;

    expect(startRetry(paid, false, moment(100))).toMatchObject({
      status: 'running',
      task: EXAMPLES.failed.task,
    });
  });
});
