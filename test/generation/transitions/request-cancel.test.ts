import { describe, expect, it } from 'vitest';
import { requestCancel } from '../../../functions/generation/transitions/request-cancel.ts';
import { at, EXAMPLES, moment } from '../examples.ts';

describe('requestCancel', () => {
  it('ends a queued generation at once, and announces that', () => {
    const ended = requestCancel(EXAMPLES.waiting, moment(10));

    expect(ended).toMatchObject({
      status: 'cancelled',
      cancelRequestedAt: at(10),
      endedAt: at(10),
      dueAt: at(15),
      announcements: [{ type: 'Cancelled' }],
    });
    expect(ended).not.toHaveProperty('waiting');
  });

  it('makes a task due at once, and keeps the first request', () => {
    const wished = requestCancel(EXAMPLES.running, moment(10));

    expect(wished).toEqual({ ...EXAMPLES.running, cancelRequestedAt: at(10), dueAt: at(10) });
    expect(requestCancel(wished, moment(20))).toBe(wished);
  });
});
