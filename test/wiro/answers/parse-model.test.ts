import { expect, it } from 'vitest';
import { parseModel } from '../../../functions/wiro/answers/parse-model.ts';

const slugs = {
  slugowner: 'Wiro',
  slugproject: 'Story Maker',
  cleanslugowner: 'wiro',
  cleanslugproject: 'story-maker',
};

it('reads a model: clean slugs, groups as one list, values in every spelling', () => {
  const model = parseModel({
    ...slugs,
    title: 'Story',
    description: null,
    approximatelycost: '0.02',
    dynamicprice: '[{"inputs":{},"price":"0.01","priceMethod":"cpr"}]',
    parameters: [
      {
        title: 'Input',
        items: [
          { id: 'inputImage', type: 'fileinput', label: 'Image', required: 'true', note: 'n' },
          {
            advanced: 'true',
            id: 'steps',
            type: 'range',
            required: false,
            default: '20',
            min: '1',
            max: 50,
            step: '1',
            options: null,
          },
        ],
      },
      {
        title: 'More',
        items: [
          {
            id: 'mode',
            type: 'select',
            options: [{ value: 1, text: 'One' }, { value: 'b', label: 'B' }, 'c', null],
          },
          { id: 'steps', type: 'text' },
          { type: 'text' },
          null,
        ],
      },
      null,
    ],
  });

  expect(model).toEqual({
    name: 'wiro/story-maker',
    kind: 'plain',
    slugs: [
      { owner: 'wiro', project: 'story-maker' },
      { owner: 'Wiro', project: 'Story Maker' },
    ],
    title: 'Story',
    approximateCostUsd: 0.02,
    prices: [{ inputs: {}, price: '0.01', priceMethod: 'cpr' }],
    parameters: [
      { id: 'inputImage', type: 'fileinput', label: 'Image', required: true, note: 'n', group: 'Input' },
      {
        id: 'steps',
        type: 'range',
        required: false,
        default: '20',
        min: 1,
        max: 50,
        step: 1,
        group: 'Input',
        advanced: true,
      },
      {
        id: 'mode',
        group: 'More',
        type: 'select',
        required: false,
        options: [{ value: '1', label: 'One' }, { value: 'b', label: 'B' }, { value: 'c' }],
      },
    ],
  });
});

it('reads parameters from a JSON string, and none where there are none', () => {
  const parameters = '[{"title":"t","items":[{"id":"prompt","type":"textarea","required":true}]}]';

  expect(parseModel({ ...slugs, parameters })?.parameters).toEqual([
    { id: 'prompt', type: 'textarea', required: true, group: 't' },
  ]);
  expect(parseModel({ ...slugs, parameters: null })?.parameters).toEqual([]);
});

it('falls back to the price per second and to the raw slugs', () => {
  expect(parseModel({ slugowner: 'a', slugproject: 'b', cps: '0.000585', dynamicprice: null })).toEqual({
    name: 'a/b',
    kind: 'plain',
    slugs: [{ owner: 'a', project: 'b' }],
    parameters: [],
    prices: [{ inputs: {}, price: 0.000585, priceMethod: 'cps' }],
  });
});

it('leaves out a row that names no model', () => {
  expect(parseModel({ title: 'x' })).toBeUndefined();
  expect(parseModel(null)).toBeUndefined();
});

it.each([
  ['its category', { categories: ['tool', 'realtime-conversation'] }, 'realtime'],
  ['a category in a JSON string', { categories: '["tool","realtime-text-to-speech"]' }, 'realtime'],
  ['a category in another spelling', { categories: ['Real-Time Voice'] }, 'realtime'],
  [
    'one of its prices',
    {
      dynamicprice:
        '[{"inputs":{},"price":1,"priceMethod":"cpr"},{"price":"0.1","priceMethod":"cp-realtimeturn"}]',
    },
    'realtime',
  ],
  ['its category', { categories: ['tool', 'training'] }, 'training'],
  ['a word of its category', { categories: ['lora-trainer'] }, 'training'],
  ['both', { categories: ['training', 'realtime-conversation'] }, 'realtime'],
  ['no word alone', { categories: ['tool', 'pretrained', 'realtimeish', 'text-to-image', 7, null] }, 'plain'],
  [
    'a price that is not by the turn',
    { dynamicprice: [{ price: 1, priceMethod: 'cp-readoutput' }, null] },
    'plain',
  ],
  ['nothing that can be read', { categories: 'realtime', dynamicprice: '{' }, 'plain'],
])('derives the kind of a model from %s: %j', (_, fields, kind) => {
  expect(parseModel({ ...slugs, ...fields })?.kind).toBe(kind);
});
