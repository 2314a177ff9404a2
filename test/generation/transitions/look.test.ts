import { describe, expect, it } from 'vitest';
import type { Failed, Generation } from '../../../functions/generation/generation.ts';
import { fail } from '../../../functions/generation/transitions/end.ts';
import { noteLook, strikeOff } from '../../../functions/generation/transitions/look.ts';
import { at, EXAMPLES, moment } from '../examples.ts';
import { assertLegal } from '../legal.ts';

const error = { code: 'model_failed', message: 'The model failed.', retryable: true } as const;
const WEEK = 604_800;

describe('noteLook', () => {
  it('changes nothing before the generation is due, or if nothing is left to do', () => {
    expect(noteLook(EXAMPLES.queued, moment(4.999))).toBe(EXAMPLES.queued);
    expect(noteLook(EXAMPLES.succeeded, moment(1_000))).toBe(EXAMPLES.succeeded);
  });

  it.each([
    [0, 60],
    [1, 120],
    [2, 240],
    [3, 480],
    [4, 900],
    [100, 900],
  ])('after %d looks is due after %d seconds', (looks, wait) => {
    const looked = noteLook({ ...EXAMPLES.running, looks }, moment(60));

    expect([looked.looks, looked.dueAt]).toEqual([looks + 1, at(60 + wait)]);
  });

  it('counts no looks in line, and is due when the wait is over', () => {
    const looked = noteLook(EXAMPLES.waiting, moment(300), at(100));

    expect([looked.status, looked.looks, looked.dueAt]).toEqual(['queued', 3, at(100 + WEEK)]);
  });

  it('counts the wait from now if no note says when the attempt joined the line', () => {
    expect(noteLook(EXAMPLES.waiting, moment(300)).dueAt).toBe(at(300 + WEEK));
  });

  it('fails a generation that has waited in line for too long, and announces that', () => {
    const waiting = { ...EXAMPLES.waiting, dueAt: at(WEEK) };

    expect(noteLook(waiting, moment(WEEK - 0.001), at(0))).toBe(waiting);
    const ended = noteLook(waiting, moment(WEEK), at(0));
    expect(ended).toMatchObject({
      status: 'failed',
      error: {
        code: 'waited_too_long',
        retryable: true,
        message: expect.stringContaining('Nothing was charged.'),
      },
      endedAt: at(WEEK),
      announcements: [{ type: 'Failed', attempt: 1 }],
    });
    expect(ended).not.toHaveProperty('waiting');
    assertLegal(waiting, ended);
  });

  it('does not say that nothing was charged if a callback has named a task', () => {
    const callback = { seenAt: at(5), taskId: 'task-9' };
    const ended = noteLook({ ...EXAMPLES.waiting, callback }, moment(WEEK), at(0));

    const { message } = (ended as Failed).error;
    expect(message).toContain('task-9');
    expect(message).not.toContain('Nothing was charged');
  });
});

describe('strikeOff', () => {
  const ended = fail(
    { ...EXAMPLES.collecting, announcements: [{ eventId: 'e1', type: 'Running', attempt: 1, at: at(0) }] },
    error,
    {},
    moment(10),
  ) as Generation;

  it('removes delivered announcements, and the generation stays due while there are more', () => {
    const less = strikeOff(ended, ['e1']);

    expect(less.announcements.map(({ eventId }) => eventId)).toEqual(['abcdefghijklmnopqrstuvwxyz.1.failed']);
    expect(less.dueAt).toBe(at(15));
  });

  it('leaves an ended generation without a due time once all are delivered', () => {
    const done = strikeOff(ended, ['e1', 'abcdefghijklmnopqrstuvwxyz.1.failed']);

    expect(done.announcements).toEqual([]);
    expect(done).not.toHaveProperty('dueAt');
    expect(done).toMatchObject({ status: 'failed', error, endedAt: at(10) });
  });

  it('leaves a running generation due', () => {
    const running = {
      ...EXAMPLES.running,
      announcements: [{ eventId: 'e1', type: 'Running', attempt: 1, at: at(0) }],
    } as const;

    expect(strikeOff(running, ['e1'])).toEqual({ ...EXAMPLES.running, announcements: [] });
  });
});
