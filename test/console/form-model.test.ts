import { expect, it } from 'vitest';
import type { Generation, ModelParameter } from '../../client/index.ts';
import {
  entryOf,
  fieldOfProblem,
  fieldsOf,
  isAdvanced,
  readForm,
  startForm,
  withInputsOf,
} from '../../console/page/run/form-model.ts';
import { createRunKeys } from '../../console/page/run/run-key.ts';

const parameter = (id: string, type: string, change: Partial<ModelParameter> = {}): ModelParameter => ({
  id,
  type,
  required: false,
  ...change,
});
const MODEL = {
  name: 'wiro/a',
  parameters: [
    parameter('image', 'fileinput'),
    parameter('imageUrl', 'text'),
    parameter('images', 'combinefileinput'),
    parameter('prompt', 'textarea', { required: true }),
    parameter('steps', 'range', { default: '20', min: 1, max: 50 }),
    parameter('seed', 'number'),
    parameter('messages', 'textarea'),
    parameter('tiled', 'checkbox'),
  ],
};

it.each([
  ['fileinput', {}, 'file'],
  ['multifileinput', {}, 'files'],
  ['combinefileinput', {}, 'files'],
  ['select', { options: [{ value: 'a' }] }, 'select'],
  ['select', { options: [] }, 'text'],
  ['range', { min: 0, max: 1 }, 'slider'],
  ['range', {}, 'number'],
  ['number', {}, 'number'],
  ['float', {}, 'number'],
  ['textarea', {}, 'long'],
  ['text', {}, 'text'],
  ['checkbox', {}, 'truth'],
  ['added-since', {}, 'text'],
])('enters %s with %j as %s', (type, change, entry) => {
  expect(entryOf(parameter('x', type, change))).toBe(entry);
});

it('has no field for the URL of a file, whose own field takes it', () => {
  expect(fieldsOf(MODEL).map(({ id }) => id)).not.toContain('imageUrl');
});

it('folds what is advanced, but never what is required', () => {
  expect(isAdvanced(parameter('x', 'text', { advanced: true }))).toBe(true);
  expect(isAdvanced(parameter('x', 'text', { group: 'Advanced settings' }))).toBe(true);
  expect(isAdvanced(parameter('x', 'text', { advanced: true, required: true }))).toBe(false);
  expect(isAdvanced(parameter('x', 'text', { group: 'Inputs' }))).toBe(false);
});

it('reads numbers, JSON, truth and files as the API takes them, and leaves out what is empty', () => {
  const form = startForm(MODEL);
  const read = readForm(MODEL, {
    ...form,
    values: {
      ...form.values,
      prompt: ' A lighthouse',
      seed: '9007199254740993',
      messages: '[{"role":"user"}]',
      tiled: 'true',
    },
    files: {
      image: [{ kind: 'source', id: '1', source: 'a.png', name: 'a.png' }],
      images: [
        { kind: 'source', id: '2', source: 'b.png', name: 'b.png' },
        { kind: 'upload', id: '3', name: 'c.png', state: 'uploading' },
      ],
    },
    others: '{"extra": {"deep": 1}}',
    maxCostUsd: '0.5',
    labels: ' order = 17 \n\nsum=a=b\n',
    idempotencyKey: 'once',
  });

  expect(read).toEqual({
    kind: 'request',
    request: {
      model: 'wiro/a',
      parameters: {
        extra: { deep: 1 },
        prompt: ' A lighthouse',
        steps: 20,
        // As a number it would be another one.
        seed: '9007199254740993',
        messages: [{ role: 'user' }],
        tiled: true,
      },
      inputs: { image: 'a.png', images: ['b.png'] },
      labels: { order: '17', sum: 'a=b' },
      maxCostUsd: 0.5,
      idempotencyKey: 'once',
    },
  });
});

it.each([
  [{ others: '[1]' }, 'others'],
  [{ others: '{' }, 'others'],
  [{ maxCostUsd: '0' }, 'maxCostUsd'],
  [{ maxCostUsd: 'much' }, 'maxCostUsd'],
  [{ labels: 'order' }, 'labels'],
  [{ labels: '=17' }, 'labels'],
  [{ files: { images: [{ kind: 'upload', id: '1', name: 'c.png', state: 'failed' }] } }, 'images'],
] as const)('does not send %j', (change, field) => {
  expect(readForm(MODEL, { ...startForm(MODEL), ...change })).toMatchObject({
    kind: 'problem',
    problem: { field },
  });
});

it('is filled from a generation and makes the same request again', () => {
  const parameters = { prompt: 'x', steps: 7, unlisted: [1] };
  const inputs = { image: 'inputs/1/a.png', images: ['https://example.com/b.png?x=1'] };
  const labels = { order: '17' };
  const form = startForm(MODEL, { id: 'g1', parameters, inputs, labels } as unknown as Generation);

  expect(readForm(MODEL, form)).toEqual({
    kind: 'request',
    request: { model: 'wiro/a', parameters, inputs, labels },
  });
  expect(form.files.images).toMatchObject([{ name: 'b.png', preview: '/inputs/g1/images/0' }]);
});

it('keeps inputs that the schema does not list when a generation is run again', () => {
  const inputs = { imageUrl: 'https://example.com/a.png', mask: 'm.png', others: ['b.png', 'c.png'] };
  const from = { id: 'g1', parameters: {}, inputs } as unknown as Generation;
  const model = withInputsOf(MODEL, from);

  expect(readForm(model, startForm(model, from))).toMatchObject({ kind: 'request', request: { inputs } });
  expect(withInputsOf(MODEL).parameters).toEqual(MODEL.parameters);
});

it('has a form for parameters that are named like what every object has', () => {
  const names = ['constructor', '__proto__', 'toString'];
  const model = {
    name: 'wiro/odd',
    parameters: [...names.map((id) => parameter(id, 'text')), parameter('valueOf', 'fileinput')],
  };
  const from = { id: 'g1', parameters: {}, inputs: {} } as unknown as Generation;
  const empty = { kind: 'request', request: { model: 'wiro/odd', parameters: {}, inputs: {} } };

  expect(readForm(model, startForm(model))).toEqual(empty);
  expect(readForm(model, startForm(model, from))).toEqual(empty);
});

it.each([
  ['parameters.prompt', 'prompt'],
  ['inputs.images[1]', 'images'],
  ['inputs.images.1', 'images'],
  ['parameters.unlisted', undefined],
  ['model', undefined],
  [undefined, undefined],
])('shows a problem of %s at %s', (field, id) => {
  expect(fieldOfProblem(field === undefined ? {} : { field }, new Set(['prompt', 'images']))).toBe(id);
});

it('repeats a Run whose answer was lost with its key, and gives the next one its own', () => {
  const keys = createRunKeys();
  const request = { model: 'wiro/a', parameters: { prompt: 'x' } };
  const first = keys.keyed(request);
  const repeat = keys.keyed({ ...request });
  const other = keys.keyed({ model: 'wiro/a', parameters: { prompt: 'y' } });
  keys.accepted();
  const next = keys.keyed({ model: 'wiro/a', parameters: { prompt: 'y' } });

  expect(first.idempotencyKey).toMatch(/^[0-9a-f-]{36}$/);
  expect(repeat).toEqual(first);
  expect(new Set([first, other, next].map(({ idempotencyKey }) => idempotencyKey)).size).toBe(3);
  expect(keys.keyed({ ...request, idempotencyKey: 'own' }).idempotencyKey).toBe('own');
});
