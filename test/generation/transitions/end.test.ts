import { describe, expect, it } from 'vitest';
import type { RunMark } from '../../../functions/generation/generation.ts';
import { fail, succeed } from '../../../functions/generation/transitions/end.ts';
import { at, EXAMPLES, moment } from '../examples.ts';

const run: RunMark = { startedAt: at(0), reusedUploads: false, searches: 0 };
const task = { id: 'task-1', token: 'token-1' };

describe('an end', () => {
  it('keeps the task, its Run and its account, announces itself, and is due until that is delivered', () => {
    const ended = succeed(EXAMPLES.collecting, { costUsd: 0.04, elapsedSeconds: 12.5 }, moment(10));

    expect(ended).toMatchObject({
      status: 'succeeded',
      run,
      task,
      costUsd: 0.04,
      elapsedSeconds: 12.5,
      endedAt: at(10),
      dueAt: at(15),
      looks: 0,
      announcements: [{ eventId: 'abcdefghijklmnopqrstuvwxyz.1.succeeded', type: 'Succeeded' }],
    });
    for (const name of ['claim', 'emptyReads', 'stop']) expect(ended).not.toHaveProperty(name);
  });

  it('keeps the mark of a Run whose task was never found', () => {
    const ended = fail(
      EXAMPLES.marked,
      { code: 'submission_unknown', message: 'x', retryable: false },
      {},
      moment(10),
    );

    expect(ended).toMatchObject({ status: 'failed', run, error: { code: 'submission_unknown' } });
  });
});
