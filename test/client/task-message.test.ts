import { describe, expect, it } from 'vitest';
import { readTaskMessage } from '../../client/task-message.ts';

const OLDER = { id: '534574', tasktoken: 'eDcCm5yyUfIvMFspTwww49OUfgXkQt', result: true };
const NEWER = { id: '534574', result: true, success: null, terminal: false, exitCode: null };
const read = (message: object) => readTaskMessage(JSON.stringify(message));

describe.each([
  ['the older form', OLDER],
  ['the newer form', NEWER],
])('%s', (_, form) => {
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
  ])('%s', (type, stage) => {
    expect(read({ ...form, type, message: null })).toEqual({ kind: 'stage', stage });
  });

  it('reads how far the model is', () => {
    const message = {
      type: 'progressGenerate',
      task: 'Generate',
      percentage: '60',
      stepCurrent: '6',
      stepTotal: '10',
      speed: '1.68',
      speedType: 'it/s',
      elapsedTime: '00:03',
      remainingTime: '00:02',
    };

    expect(read({ ...form, type: 'task_output', message })).toEqual({
      kind: 'progress',
      percentage: 60,
      step: 6,
      steps: 10,
      speed: 1.68,
      speedUnit: 'it/s',
      remaining: '00:02',
    });
  });

  it('reads lines of output, and of standard error', () => {
    expect(read({ ...form, type: 'task_output', message: 'Loading' })).toEqual({
      kind: 'log',
      text: 'Loading',
      isError: false,
    });
    expect(read({ ...form, type: 'task_error', message: 'Warning' })).toEqual({
      kind: 'log',
      text: 'Warning',
      isError: true,
    });
    expect(read({ ...form, type: 'task_error_full', message: { raw: 'Warning' } })).toEqual({
      kind: 'log',
      text: 'Warning',
      isError: true,
    });
  });

  it('reads what a language model has said so far', () => {
    const segments = [
      { type: 'thinking', text: 'Hm' },
      { type: 'answer', text: 'Hello' },
      7,
      { type: 'answer', text: null },
    ];

    expect(read({ ...form, type: 'task_output', message: { segments } })).toEqual({
      kind: 'segments',
      replaces: true,
      segments: segments.slice(0, 2),
    });
  });
});

it.each([
  ['no JSON', '<html>'],
  ['a list', '[]'],
  ['null', 'null'],
  ['no type', '{"message": "x"}'],
  ['a type that is new', '{"type": "task_teleport"}'],
  ['a name that every object has', '{"type": "constructor"}'],
  ['binary frames of a realtime model', new ArrayBuffer(4)],
])('ignores %s', (_, data) => {
  expect(readTaskMessage(data)).toBeUndefined();
});

it('keeps a percentage within 0 and 100', () => {
  const at = (percentage: unknown) => read({ ...NEWER, type: 'task_output', message: { percentage } });

  expect([at(140), at('-3')]).toMatchObject([{ percentage: 100 }, { percentage: 0 }]);
});
