import { describe, expect, it } from 'vitest';
import type { Generation, RunMark } from '../../../functions/generation/generation.ts';
import { renew } from '../../../functions/generation/transitions/claim.ts';
import {
  claimToCollect,
  collectLater,
  lookLater,
  readLater,
  rerun,
} from '../../../functions/generation/transitions/collect.ts';
import { cancel, fail, succeed } from '../../../functions/generation/transitions/end.ts';
import { strikeOff } from '../../../functions/generation/transitions/look.ts';
import { noteCallback } from '../../../functions/generation/transitions/note-callback.ts';
import { requestCancel } from '../../../functions/generation/transitions/request-cancel.ts';
import {
  claimToSubmit,
  joinLine,
  mark,
  noteSearch,
  requeue,
  startRunning,
} from '../../../functions/generation/transitions/submit.ts';
import { at, EXAMPLES, type ExampleName, moment } from '../examples.ts';
import { whenCollecting, whenHeld, whenSubmitting } from '../when-held.ts';

const NAMES = Object.keys(EXAMPLES) as ExampleName[];
const setback = { code: 'upstream_unavailable', message: 'Wiro is away.' } as const;
const error = { code: 'model_failed', message: 'The model failed.', retryable: true } as const;
const run: RunMark = { startedAt: at(0), reusedUploads: false, searches: 0 };
const task = { id: 'task-1', token: 'token-1' };
const REFUSED = 'refused';

/** The resulting status, `same` if nothing changes, `refused` if the transition does not apply. */
function outcome(before: Generation, after: Generation | undefined): string {
  if (after === undefined) return 'refused';
  return after === before ? 'same' : after.status;
}

type Row = readonly [
  what: string,
  transition: (generation: Generation) => Generation | undefined,
  // In the order of EXAMPLES.
  expected: readonly string[],
];

// All at second 10, when the claims of `me` stand.
const TABLE: readonly Row[] = [
  [
    'claimToSubmit by its holder',
    (g) => claimToSubmit(g, 'me', moment(10)),
    ['submitting', 'submitting', 'same', 'same', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'claimToSubmit by another',
    (g) => claimToSubmit(g, 'you', moment(10)),
    ['submitting', 'submitting', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'renew',
    (g) => whenHeld(g, 'me', (held) => renew(held, moment(10))),
    [REFUSED, REFUSED, 'submitting', 'submitting', REFUSED, 'collecting', REFUSED, REFUSED, REFUSED],
  ],
  [
    'joinLine',
    (g) => whenSubmitting(g, 'me', (held) => joinLine(held, at(5), moment(10))),
    [REFUSED, REFUSED, 'queued', 'queued', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'requeue',
    (g) => whenSubmitting(g, 'me', (held) => requeue(held, setback, moment(10))),
    [REFUSED, REFUSED, 'queued', 'queued', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'mark',
    (g) => whenSubmitting(g, 'me', (held) => mark(held, { reusedUploads: false }, moment(10))),
    [REFUSED, REFUSED, 'submitting', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'startRunning',
    (g) => startRunning(g, run, 1, task, moment(10)),
    ['running', 'running', 'running', 'running', 'same', 'same', 'same', 'same', REFUSED],
  ],
  [
    'startRunning of another task',
    (g) => startRunning(g, run, 1, { id: 'task-2' }, moment(10)),
    ['running', 'running', 'running', 'running', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'startRunning of another attempt',
    (g) => startRunning(g, run, 2, task, moment(10)),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'noteSearch',
    (g) => whenSubmitting(g, 'me', (held) => noteSearch(held, true, moment(10))),
    [REFUSED, REFUSED, REFUSED, 'submitting', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'noteCallback',
    (g) => noteCallback(g, 1, 'task-1', moment(10)),
    ['queued', 'queued', 'submitting', 'submitting', 'running', 'collecting', 'same', 'same', 'same'],
  ],
  [
    'noteCallback of another attempt',
    (g) => noteCallback(g, 2, 'task-1', moment(10)),
    ['same', 'same', 'same', 'same', 'same', 'same', 'same', 'same', 'same'],
  ],
  [
    'claimToCollect by its holder',
    (g) => claimToCollect(g, 'me', moment(10)),
    [REFUSED, REFUSED, REFUSED, REFUSED, 'collecting', 'same', REFUSED, REFUSED, REFUSED],
  ],
  [
    'claimToCollect by another',
    (g) => claimToCollect(g, 'you', moment(10)),
    [REFUSED, REFUSED, REFUSED, REFUSED, 'collecting', REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'lookLater',
    (g) => whenCollecting(g, 'me', (held) => lookLater(held, { callbackKnown: undefined }, moment(10))),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'running', REFUSED, REFUSED, REFUSED],
  ],
  [
    'collectLater',
    (g) => whenCollecting(g, 'me', (held) => collectLater(held, setback, moment(10))),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'running', REFUSED, REFUSED, REFUSED],
  ],
  [
    'readLater',
    (g) => whenCollecting(g, 'me', (held) => readLater(held, moment(10))),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'running', REFUSED, REFUSED, REFUSED],
  ],
  [
    'rerun',
    (g) => whenCollecting(g, 'me', (held) => rerun(held, error, moment(10))),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'queued', REFUSED, REFUSED, REFUSED],
  ],
  [
    'succeed',
    (g) => whenCollecting(g, 'me', (held) => succeed(held, {}, moment(10))),
    // Only a task succeeds.
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'succeeded', REFUSED, REFUSED, REFUSED],
  ],
  [
    'fail',
    (g) => whenHeld(g, 'me', (held) => fail(held, error, {}, moment(10))),
    [REFUSED, REFUSED, 'failed', 'failed', REFUSED, 'failed', REFUSED, REFUSED, REFUSED],
  ],
  [
    'cancel',
    (g) => whenHeld(g, 'me', (held) => cancel(held, {}, moment(10))),
    [REFUSED, REFUSED, 'cancelled', 'cancelled', REFUSED, 'cancelled', REFUSED, REFUSED, REFUSED],
  ],
  [
    'requestCancel',
    (g) => requestCancel(g, moment(10)),
    ['cancelled', 'cancelled', 'submitting', 'submitting', 'running', 'collecting', 'same', 'same', 'same'],
  ],
  [
    'strikeOff of what is not on the list',
    (g) => strikeOff(g, ['other']),
    ['same', 'same', 'same', 'same', 'same', 'same', 'same', 'same', 'same'],
  ],
];

describe('every transition from every state', () => {
  const cells = TABLE.flatMap(([what, transition, expected]) =>
    NAMES.map((name, index) => [what, name, expected[index], transition] as const),
  );

  it.each(cells)('%s, from %s: %s', (_, name, expected, transition) => {
    const before = EXAMPLES[name];

    expect(outcome(before, transition(before))).toBe(expected);
  });

  it('is tried from all states', () => {
    expect(TABLE.map(([what, , expected]) => [what, expected.length])).toEqual(
      TABLE.map(([what]) => [what, 9]),
    );
  });
});
