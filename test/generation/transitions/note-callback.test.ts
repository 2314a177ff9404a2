import { describe, expect, it } from 'vitest';
import { noteCallback } from '../../../functions/generation/transitions/note-callback.ts';
import { at, EXAMPLES, moment } from '../examples.ts';

describe('noteCallback', () => {
  it('notes the moment and the hint, and makes the generation due now', () => {
    const noted = noteCallback(EXAMPLES.running, 1, 'task-9', moment(10));

    expect(noted).toEqual({
      ...EXAMPLES.running,
      callback: { seenAt: at(10), taskId: 'task-9' },
      dueAt: at(10),
    });
  });

  it('keeps an earlier hint if a later callback names nothing', () => {
    const first = noteCallback(EXAMPLES.marked, 1, 'task-9', moment(10));

    expect(noteCallback(first, 1, undefined, moment(11))).toMatchObject({
      callback: { seenAt: at(11), taskId: 'task-9' },
    });
  });

  it('leaves no empty hint if the callback names nothing', () => {
    const noted = noteCallback(EXAMPLES.running, 1, undefined, moment(10));

    expect('callback' in noted && Object.keys(noted.callback ?? {})).toEqual(['seenAt']);
  });
});
