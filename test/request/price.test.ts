import { describe, expect, it } from 'vitest';
import { type PriceList, priceOf } from '../../functions/request/price.ts';
import type { ModelParameter } from '../../functions/wiro/types.ts';

const parameter = (id: string, more: Partial<ModelParameter> = {}): ModelParameter => ({
  id,
  type: 'text',
  required: false,
  ...more,
});

function price(
  prices: readonly unknown[],
  parameters: Readonly<Record<string, unknown>> = {},
  {
    schema = [],
    files = {},
    ...list
  }: Omit<PriceList, 'prices'> & {
    readonly schema?: readonly ModelParameter[];
    readonly files?: Readonly<Record<string, number>>;
  } = {},
) {
  const inputs = Object.fromEntries(
    Object.entries(files).map(([id, count]) => [
      id,
      Array.from({ length: count }, (_, index) => ({
        text: `https://example.com/${index}.png`,
        source: { kind: 'url', url: `https://example.com/${index}.png` } as const,
      })),
    ]),
  );
  return priceOf({ parameters, inputs }, { parameters: schema }, { prices, ...list });
}

const row = (priceMethod: string, amount: number | string, more: object = {}) => ({
  inputs: {},
  price: amount,
  priceMethod,
  ...more,
});

describe('prices that follow from the request', () => {
  it.each([
    ['a run', [row('cpr', 0.03)], {}, {}, 0.03],
    ['a run, priced in text', [row('cpr', '0.030000000000')], {}, {}, 0.03],
    ['three outputs', [row('cpo', 0.1)], { samples: 3 }, {}, 0.3],
    ['four outputs, in text', [row('cpo', 0.1)], { num_images: '4' }, {}, 0.4],
    ['one megapixel', [row('cp-pixel', 0.04)], { width: 1024, height: 1024 }, {}, 0.04],
    ['a pixel more is another tier', [row('cp-pixel', 0.04)], { width: 1025, height: 1024 }, {}, 0.08],
    ['four megapixels', [row('cp-pixel', 0.04)], { width: '2048', height: '2048' }, {}, 0.16],
    [
      'four megapixels, where further ones cost less',
      [row('cp-pixel', 0.04, { priceExtra: 0.01 })],
      { size: '2048x2048' },
      {},
      0.07,
    ],
    [
      'two input images at two megapixels',
      [row('cp-pixel', 0.04, { priceExtra: 0.01, priceInput: 0.005 })],
      { width: 2048, height: 1024 },
      { inputImages: 2 },
      0.07,
    ],
    ['eleven characters', [row('cp-promptlength', 0.0001)], { prompt: 'Hello world' }, {}, 0.0011],
    ['eight seconds of video', [row('cp-outputVideoLength', 0.05)], { duration: '8' }, {}, 0.4],
    ['five seconds of video, as an option', [row('cp-outputVideoLength', 0.05)], { seconds: '5s' }, {}, 0.25],
  ])('%s', (_, prices, parameters, files, usd) => {
    expect(price(prices, parameters, { files })).toMatchObject({ certainty: 'exact', usd });
  });
});

describe('the row that applies', () => {
  const VIDEO = [
    { inputs: {}, price: 0.5, priceMethod: 'cpr' },
    { inputs: { resolution: '720p' }, price: 0.2, priceMethod: 'cpr' },
    { inputs: { resolution: '720p', duration: '5' }, price: 0.13, priceMethod: 'cpr' },
    { inputs: { resolution: '1080p', duration: '5' }, price: 0.29, priceMethod: 'cpr' },
  ];

  it.each([
    ['all conditions hold', { resolution: '1080p', duration: 5 }, 0.29],
    ['the most conditions hold', { resolution: '720p', duration: '5' }, 0.13],
    ['fewer hold', { resolution: '720p', duration: 10 }, 0.2],
    ['none has conditions that hold', { resolution: '4k', duration: 5 }, 0.5],
  ])('%s', (_, parameters, usd) => {
    expect(price(VIDEO, parameters)).toMatchObject({ certainty: 'exact', usd });
  });

  it('counts defaults as given, and an empty text as the default', () => {
    const schema = [parameter('resolution', { default: '1080p' }), parameter('duration', { default: '5' })];

    expect(price(VIDEO, { resolution: '' }, { schema })).toMatchObject({ usd: 0.29 });
  });

  it('counts input files', () => {
    const rows = [1, 3].map((n) => ({
      inputs: { inputImages: `QUANTITY:${n}` },
      price: n / 10,
      priceMethod: 'cpr',
    }));

    expect(price(rows, {}, { files: { inputImages: 3 } })).toMatchObject({ usd: 0.3 });
    expect(price(rows, {}, { files: { inputImages: 2 } })).toEqual({
      certainty: 'unknown',
      note: 'no price of this model is for these parameters',
    });
  });
});

describe('prices that only the run decides', () => {
  it.each([
    ['outputs of a model that has no count', [row('cpo', 0.1)], {}, 0.1],
    ['pixels of a model that has no size', [row('cp-pixel', 0.04)], {}, 0.04],
    ['several outputs by pixel', [row('cp-pixel', 0.04)], { width: 512, height: 512, samples: 2 }, 0.08],
  ])('estimates %s', (_, prices, parameters, usd) => {
    expect(price(prices, parameters)).toMatchObject({ certainty: 'estimate', usd });
  });

  it('estimates seconds of processing by the average run', () => {
    expect(price([row('cps', 0.000585)], {}, { approximateCostUsd: 0.00234 })).toMatchObject({
      certainty: 'estimate',
      usd: 0.00234,
      method: 'cps',
    });
    expect(price([], {}, { approximateCostUsd: 0.00234 })).toMatchObject({
      certainty: 'estimate',
      usd: 0.00234,
    });
  });

  it.each(['cpt', 'cp-audiosecondslength', 'cp-realtimeturn', 'cp-readoutput', 'cps', 'cp-brand-new'])(
    'says that %s is unknown, and why',
    (method) => {
      const known = price([row(method, 0.01)]);

      expect(known).toMatchObject({ certainty: 'unknown', method, note: expect.stringMatching(/\w{4,}/) });
    },
  );

  it.each([
    ['video without a duration', [row('cp-outputVideoLength', 0.05)]],
    ['characters without a prompt', [row('cp-promptlength', 0.05)]],
    ['no list', []],
    ['rows that are none', [null, 7, 'x', {}, { inputs: {}, price: 'free', priceMethod: 'cpr' }]],
    ['a price below zero', [row('cpr', -1)]],
  ])('says that the price is unknown for %s', (_, prices) => {
    expect(price(prices)).toMatchObject({ certainty: 'unknown', note: expect.any(String) });
  });
});

it('sums without the tail of binary fractions', () => {
  expect(price([row('cpo', 0.1)], { samples: 3 })).toEqual({
    certainty: 'exact',
    usd: 0.3,
    method: 'cpo',
  });
});
