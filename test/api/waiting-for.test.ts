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
  it('is nothing for one that has ended', () => {
    for (const example of Object.values(EXAMPLES).filter(hasEnded)) expect(shown(example)).toBeUndefined();
  });

  it.each([
    ['just accepted', { ...EXAMPLES.queued, looks: 0 }],
    ['being submitted', EXAMPLES.submitting],
    ['being run', EXAMPLES.marked],
  ])('is nothing for one that is %s without trouble', (_, example) => {
    expect(shown(example)).toBeUndefined();
  });

  it('is a slot for one in line: since it joined it, with its place', () => {
    const waiting = shown(EXAMPLES.waiting, { joinedLineAt: at(10) }, 20, 42);

    expect(waiting).toMatchObject({
      what: 'slot',
      since: at(10),
      nextTryAt: at(604_810),
      ahead: 42,
      tries: 0,
    });
    expect(waiting).toMatchObject({ message: expect.stringContaining('42 wait before it') });
  });

  it('names no more than a thousand before it', () => {
    expect(shown(EXAMPLES.waiting, {}, 20, 1_000)).toMatchObject({
      ahead: 1_000,
      message: expect.stringContaining('1,000 or more wait before it'),
    });
  });

  it('is a retry after a setback: what it was, how often, since when, and when next', () => {
    expect(shown({ ...EXAMPLES.queued, trouble: away, dueAt: at(40) })).toEqual({
      what: 'retry',
      code: 'upstream_unavailable',
      message: `Wiro could not take the run: socket hang up. Tried 3 times since ${NOON}02.000Z; it is tried again by ${NOON}40.000Z.`,
      since: at(2),
      tries: 3,
      nextTryAt: at(40),
    });
  });

  it.each<[string, Generation, WaitNotes]>([
    ['looked at in vain', { ...EXAMPLES.queued, looks: 2 }, {}],
    ['due for a minute, with nobody at it', { ...EXAMPLES.queued, looks: 0 }, {}],
    ['claimed by a function that is gone', EXAMPLES.submitting, {}],
    ['submitted by functions that were killed', EXAMPLES.submitting, { deaths: { count: 2 } }],
  ])('is a retry for one that was %s', (_, example, notes) => {
    // The lease ended at 60, and clocks differ.
    expect(shown(example, notes, 65)).toMatchObject({ what: 'retry', nextTryAt: example.dueAt });
  });

  it('names functions that were killed', () => {
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
    ['nobody waits for any more', EXAMPLES.marked, {}, 65, 0],
  ])('is a search for one whose Run %s', (_, example, notes, seconds, tries) => {
    expect(shown(example, notes, seconds)).toMatchObject({ what: 'search', since: at(0), tries });
  });

  it('is its task for one that runs, with what goes wrong there', () => {
    const asked = { ...away, message: 'Wiro could not be asked about the task: it answered 503' };
    const taskError = { since: at(10), text: 'worker lost' };

    expect(shown(EXAMPLES.running)).toEqual({
      what: 'task',
      message: `Task task-1 runs at Wiro since ${NOON}00.000Z. Wiro is asked by 2026-01-01T12:01:00.000Z, or when it calls back.`,
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
      'if nothing moves by 2026-01-01T12:15:10.000Z',
    );
    // It was asked to stop there, and has moved on.
    expect(shown(EXAMPLES.running, { taskError })?.message).not.toContain('if nothing moves');
    expect(shown({ ...EXAMPLES.running, cancelRequestedAt: at(5) })?.message).toContain(
      'It is asked to stop.',
    );
    expect(shown({ ...EXAMPLES.running, stop: { cancelSentAt: at(6) } })?.message).toContain(
      `asked to stop at ${NOON}06.000Z`,
    );
  });

  it('tells nobody the token of a task', () => {
    for (const example of Object.values(EXAMPLES))
      expect(JSON.stringify(shown(example) ?? '')).not.toContain('token');
  });
});
