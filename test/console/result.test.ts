import { expect, it } from 'vitest';
import { readTaskMessage, type TaskMessage } from '../../client/task-message.ts';
import { addMessage, NOTHING_YET, type ProgressState } from '../../console/page/result/progress-state.ts';
import { whyItWaits } from '../../console/page/result/why-it-waits.ts';

const after = (...messages: readonly object[]): ProgressState =>
  messages
    .map((message) => readTaskMessage(JSON.stringify(message)))
    .filter((message): message is TaskMessage => message !== undefined)
    .reduce(addMessage, NOTHING_YET);

it.each([
  ['task_queue', 'queued'],
  ['task_accept', 'accepted'],
  ['task_preprocess_start', 'preprocessing'],
  ['task_preprocess_end', 'preprocessing'],
  ['task_assign', 'assigned'],
  ['task_start', 'started'],
  ['task_output_full', 'output'],
  ['task_end', 'ended'],
  ['task_postprocess_start', 'postprocessing'],
  ['task_postprocess_end', 'finished'],
  ['task_cancel', 'cancelled'],
])('shows %s in the older and the newer form', (type, stage) => {
  const older = after({ type, id: '1', tasktoken: 't', message: null, result: true });
  const newer = after({
    type,
    id: '1',
    message: null,
    result: true,
    success: true,
    terminal: false,
    exitCode: 0,
  });

  expect([older.stage, newer.stage]).toEqual([stage, stage]);
  expect(older.log).toHaveLength(1);
});

it('shows percentage and speed, lines of both streams, and segments that replace each other', () => {
  const state = after(
    { type: 'task_output', message: 'Loading' },
    { type: 'task_error', message: 'a warning' },
    {
      type: 'task_output',
      message: {
        type: 'progressGenerate',
        percentage: '40',
        stepCurrent: '8',
        stepTotal: '20',
        speed: '1.68',
        speedType: 'it/s',
        remainingTime: '7.1',
      },
    },
    { type: 'task_output', message: { segments: [{ type: 'answer', text: 'Hel' }] } },
    { type: 'task_output', message: { segments: [{ type: 'answer', text: 'Hello' }] } },
  );

  expect(state).toMatchObject({
    percentage: 40,
    detail: 'step 8 of 20, 1.68 it/s, 7.1 left',
    segments: [{ type: 'answer', text: 'Hello' }],
  });
  expect(state.log).toEqual([
    { text: 'Loading', isError: false },
    { text: 'a warning', isError: true },
    { text: '40 %: step 8 of 20, 1.68 it/s, 7.1 left', isError: false },
  ]);
});

it('keeps the latest lines, and says how many there were before', () => {
  const state = after(
    ...Array.from({ length: 620 }, (_, n) => ({ type: 'task_output', message: `line ${n}` })),
  );

  expect([state.log.length, state.logBefore, state.log.at(-1)?.text]).toEqual([500, 120, 'line 619']);
});

const NOW = new Date('2026-11-01T00:10:00.000Z');
const waiting = {
  since: '2026-11-01T00:00:00.000Z',
  nextTryAt: '2026-11-01T00:10:30.000Z',
  tries: 3,
  message: '…',
};

it.each([
  [
    { what: 'slot', ahead: 7 },
    'Waits for a slot at Wiro for 10 minutes: 7 generations before it. It fails if its turn does not come within 30 seconds.',
  ],
  [
    { what: 'slot', ahead: 1_000 },
    'Waits for a slot at Wiro for 10 minutes: at least 1,000 generations before it. It fails if its turn does not come within 30 seconds.',
  ],
  [{ what: 'retry' }, '3 tries in 10 minutes did not start it: the next follows in 30 seconds.'],
  [
    { what: 'search' },
    'The answer to its Run was lost 10 minutes ago: Wiro is searched for its task again in 30 seconds, so that nothing is paid twice.',
  ],
  [{ what: 'task' }, 'Its task at Wiro has run for 10 minutes: it is looked at again within 30 seconds.'],
  [
    { what: 'outputs' },
    'Its outputs are copied for 10 minutes, 3 tries so far: the next follows within 30 seconds.',
  ],
] as const)('says why it waits, with a number: %j', (change, sentence) => {
  expect(whyItWaits({ ...waiting, ...change }, NOW)).toBe(sentence);
});
