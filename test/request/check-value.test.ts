import { describe, expect, it } from 'vitest';
import { findFault } from '../../functions/request/check-value.ts';
import type { ModelParameter } from '../../functions/wiro/types.ts';

const parameter = (type: string, more: Partial<ModelParameter> = {}): ModelParameter => ({
  id: 'x',
  type,
  required: false,
  ...more,
});
const WIDTH = parameter('number', { min: 256, max: 2048, step: 64 });
const RATIO = parameter('select', { options: [{ value: '1:1' }, { value: '16:9' }, { value: '2' }] });

describe('values that fit', () => {
  it.each([
    ['a number', WIDTH, 512],
    ['a number as text', WIDTH, ' 512 '],
    ['the least', WIDTH, 256],
    ['the most', WIDTH, 2048],
    ['0 for an optional number: unset', WIDTH, 0],
    ["'' for an optional number: unset", WIDTH, ''],
    ['null: unset', WIDTH, null],
    ['a step from zero where the minimum is on none', parameter('range', { min: 1, max: 10, step: 5 }), 10],
    ['a step from the minimum', parameter('range', { min: 1, max: 10, step: 3 }), 7],
    ['a decimal step', parameter('range', { min: 0, max: 1, step: 0.1 }), 0.7],
    ['a float between steps', parameter('float', { min: 0, max: 2, step: 0.1 }), 0.123],
    ['an option', RATIO, '16:9'],
    ['an option that is a number', RATIO, 2],
    ['several options', RATIO, ['1:1', '16:9']],
    ['any option of a list that is empty', parameter('select', { options: [] }), 'x'],
    ['text', parameter('text'), 'x'],
    ['a number for a text', parameter('textarea'), 7],
    ['messages of a language model', parameter('textarea', { id: 'messages' }), [{ role: 'user' }]],
    ['a type that is new', parameter('colour'), { r: 1 }],
  ])('%s', (_, given, value) => {
    expect(findFault(given, value)).toBeUndefined();
  });
});

describe('values that do not', () => {
  it.each([
    ['too small', WIDTH, 128, 'is 128, but must be a number between 256 and 2048'],
    ['too large', WIDTH, 4096, 'is 4096, but must be a number between 256 and 2048'],
    ['off the step', WIDTH, 300, 'is 300, but goes in steps of 64 from 256'],
    ['no number', WIDTH, 'wide', 'must be a number between 256 and 2048'],
    ['true for a number', WIDTH, true, 'must be a number between 256 and 2048'],
    ['infinite', parameter('number', { min: 1 }), 'Infinity', 'must be a number of at least 1'],
    [
      'a required 0 out of range',
      { ...WIDTH, required: true },
      0,
      'is 0, but must be a number between 256 and 2048',
    ],
    ['above the most', parameter('float', { max: 2 }), 2.5, 'is 2.5, but must be a number of at most 2'],
    ['no option', RATIO, '4:3', 'must be one of "1:1", "16:9", "2"'],
    ['one of several that is none', RATIO, ['1:1', '4:3'], 'must be one of "1:1", "16:9", "2"'],
    ['an object for a text', parameter('text'), {}, 'must be text'],
  ])('%s', (_, given, value, fault) => {
    expect(findFault(given, value)).toBe(fault);
  });

  it('finds each value of a long list at once, however many options there are', () => {
    const looked: number[] = [];
    const options = Array.from({ length: 300 }, (_, index) => ({
      get value() {
        looked.push(index);
        return `option ${index}`;
      },
    }));

    const fault = findFault(parameter('select', { options }), Array(1_000).fill('option 299'));

    expect([fault, looked.length]).toEqual([undefined, 300]);
  });

  it('lists twenty options at most', () => {
    const options = Array.from({ length: 300 }, (_, index) => ({ value: `option ${index}` }));

    const fault = findFault(parameter('select', { options }), 'other');

    expect(fault).toMatch(/"option 19", … \(300 in all\)$/);
  });
});
