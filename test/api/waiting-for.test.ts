import { describe, expect, it } from 'vitest';
import { type WaitNotes, waitingFor } from '../../functions/api/waiting-for.ts';
import type { Generation, Trouble } from '../../functions/generation/generation.ts';
import { hasEnded } from '../../functions/generation/generation.ts';
import { at, EXAMPLES, moment } from '../generation/examples.ts';

const NOON = '2026-01-01T12:00:';
const away: Trouble = {
  since: at(2),
  firstAt: { upstream_unavailable: at(2) },
  count: 3,
  code: 'upstream_unavailable',
  message: 'Wiro could not take the run: socket hang up',
};
const shown = (generation: Generation, notes: WaitNotes = {}, seconds = 20, ahead?: number) =>
  waitingFor(generation, { notes, moment: moment(seconds), ahead });

describe('what a generation waits for', () => {
  it('is undefined for a generation that has ended', () => {
    for (const example of Object.values(EXAMPLES).filter(hasEnded)) expect(shown(example)).toBeUndefined();
  });

  it.each([
    ['just accepted', { ...EXAMPLES.queued, looks: 0 }],
    ['being submitted', EXAMPLES.submitting],
    ['being run', EXAMPLES.marked],
  ])('is undefined for a generation that is %s without trouble', (_, example) => {
    expect(shown(example)).toBeUndefined();
  });

  it('is a slot for a generation in line, with the time it joined and the number ahead', () => {
    const waiting = shown(EXAMPLES.waiting, { joinedLineAt: at(10) }, 20, 42);

    expect(waiting).toMatchObject({
      what: 'slot',
      since: at(10),
      nextTryAt: at(604_810),
      ahead: 42,
      tries: 0,
    });
    expect(waiting).toMatchObject({ message: expect.stringContaining('Generations ahead of it: 42.') });
  });

  it('counts no more than a thousand ahead', () => {
    expect(shown(EXAMPLES.waiting, {}, 20, 1_000)).toMatchObject({
      ahead: 1_000,
      message: expect.stringContaining('Generations ahead of it: 1,000 or more.'),
    });
  });

  it('is a retry after a setback, with its message, count, start and next try', () => {
    expect(shown({ ...EXAMPLES.queued, trouble: away, dueAt: at(40) })).toEqual({
      what: 'retry',
      code: 'upstream_unavailable',
      message: `Wiro could not take the run: socket hang up. Tried 3 times since ${NOON}02.000Z. The next try is at ${NOON}40.000Z at the latest.`,
      since: at(2),
      tries: 3,
      nextTryAt: at(40),
    });
  });

  it.each<[string, Generation, WaitNotes]>([
    ['queued after fruitless looks', { ...EXAMPLES.queued, looks: 2 }, {}],
    ['due for a minute without being claimed', { ...EXAMPLES.queued, looks: 0 }, {}],
    ['claimed by a function that died', EXAMPLES.submitting, {}],
    ['submitted by functions that were killed', EXAMPLES.submitting, { deaths: { count: 2 } }],
  ])('is a retry for a generation that was %s', (_, example, notes) => {
    // The lease ended at 60 s. The rest allows for clock skew.
    expect(shown(example, notes, 65)).toMatchObject({ what: 'retry', nextTryAt: example.dueAt });
  });

  it('counts functions that were killed', () => {
    expect(shown(EXAMPLES.submitting, { deaths: { count: 2 } })).toMatchObject({
      code: 'function_killed',
      tries: 2,
    });
    expect(shown(EXAMPLES.collecting, { deaths: { count: 1 } })).toMatchObject({
      what: 'outputs',
      code: 'function_killed',
    });
  });

  it.each<[string, Generation, WaitNotes, number, number]>([
    ['was searched for', { ...EXAMPLES.marked, run: { ...EXAMPLES.marked.run, searches: 2 } }, {}, 20, 2],
    ['was lost before', EXAMPLES.marked, { lostRuns: { since: at(0), count: 2 } }, 20, 0],
    ['has an expired lease', EXAMPLES.marked, {}, 65, 0],
  ])('is a search for a generation whose Run %s', (_, example, notes, seconds, tries) => {
    expect(shown(example, notes, seconds)).toMatchObject({ what: 'search', since: at(0), tries });
  });

  it('is the task for a running generation, with its trouble', () => {
    const asked = { ...away, message: 'Wiro could not be asked about the task: it answered 503' };
    const taskError = { since: at(10), text: 'worker lost' };

    expect(shown(EXAMPLES.running)).toEqual({
      what: 'task',
      message: `Task task-1 has been at Wiro since ${NOON}00.000Z. The next check at Wiro is at 2026-01-01T12:01:00.000Z at the latest, or when Wiro calls back.`,
      since: at(0),
      tries: 3,
      nextTryAt: at(60),
    });
    expect(shown({ ...EXAMPLES.running, trouble: asked })).toMatchObject({
      what: 'task',
      code: 'upstream_unavailable',
      message: expect.stringContaining('it answered 503. Tried 3 times'),
    });
    const stuck = { ...away, code: 'model_failed', firstAt: { model_failed: at(10) } } as const;
    expect(shown({ ...EXAMPLES.running, trouble: stuck }, { taskError })?.message).toContain(
      'If nothing changes by 2026-01-01T12:15:10.000Z',
    );
    // The task has left `task_error`, so its note no longer applies.
    expect(shown(EXAMPLES.running, { taskError })?.message).not.toContain('If nothing changes');
    expect(shown({ ...EXAMPLES.running, cancelRequestedAt: at(5) })?.message).toContain(
      'Cancellation was requested',
    );
    expect(shown({ ...EXAMPLES.running, stop: { cancelSentAt: at(6) } })?.message).toContain(
      `asked to stop the task at ${NOON}06.000Z`,
    );
  });

  it('never shows the token of a task', () => {
    for (const example of Object.values(EXAMPLES))
      expect(JSON.stringify(shown(example) ?? '')).not.toContain('token');
  });
});
