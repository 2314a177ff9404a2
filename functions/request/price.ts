import type { ModelSchema } from '../wiro/types.ts';
import type { GenerationRequest } from './request.ts';

/**
 * What a request will cost at Wiro, in USD. `exact` follows from the model's price list and the request alone.
 * `estimate` depends on something that only the run decides. `unknown` cannot be told beforehand.
 */
export type Price =
  | { readonly certainty: 'exact'; readonly usd: number; readonly method: string }
  | {
      readonly certainty: 'estimate';
      readonly usd: number;
      readonly method: string;
      /** What the estimate rests on. */
      readonly note: string;
    }
  | { readonly certainty: 'unknown'; readonly method?: string; readonly note: string };

/** What Wiro publishes about a model's prices. */
export interface PriceList {
  /** `dynamicprice`, parsed: `[{inputs, price, priceMethod, priceExtra?, priceInput?}]`. */
  readonly prices?: readonly unknown[];
  /** The model's average run, in USD. */
  readonly approximateCostUsd?: number;
}

type Asked = Pick<GenerationRequest, 'parameters' | 'inputs'>;

/** Each 1024 × 1024 pixels of an output is one tier. */
const TIER_PIXELS = 1_048_576;

/**
 * Prices a request by the model's price list. Failed and cancelled tasks cost nothing.
 * @see https://wiro.ai/docs/pricing
 */
export function priceOf(request: Asked, { parameters }: ModelSchema, list: PriceList): Price {
  const values = valuesOf(request, parameters);
  const files = filesOf(request, parameters);
  const row = matchingRow(rowsOf(list.prices ?? []), values, files);
  if (row === undefined) {
    if (list.approximateCostUsd !== undefined && (list.prices ?? []).length === 0)
      return estimate('cps', list.approximateCostUsd, 'it is what the average run of this model costs');
    return unknown(
      (list.prices ?? []).length === 0
        ? 'Wiro publishes no price for this model'
        : 'no price of this model is for these parameters',
    );
  }
  const { price, method } = row;
  switch (method) {
    case 'cpr':
      return exact(method, price);
    case 'cpo':
    case 'cp-outputPictureCount':
      return perOutput(row, values);
    case 'cp-pixel':
      return perPixel(row, values, files);
    case 'cp-promptlength':
      return perCharacter(row, values);
    case 'cp-outputVideoLength':
      return perVideoSecond(row, values);
    case 'cps':
      return list.approximateCostUsd === undefined
        ? unknown(`each second of processing costs ${price} USD`, method)
        : estimate(method, list.approximateCostUsd, 'it is what the average run of this model costs');
    default:
      return unknown(EXPLAINED[method] ?? `Wiro bills it by ${method}, which depends on the run`, method);
  }
}

const EXPLAINED: Readonly<Record<string, string>> = {
  cpt: 'it depends on the tokens that the model reads and writes',
  'cp-audiosecondslength': 'it depends on the length of the audio inputs',
  'cp-realtimeturn': 'each turn of the conversation is billed',
  'cp-readoutput': 'the model states its cost only when it has run',
};

// --- methods --------------------------------------------------------------------------------------------------

function perOutput({ method, price }: Row, values: Values): Price {
  const outputs = firstNumber(values, OUTPUT_COUNTS);
  return outputs === undefined
    ? estimate(method, price, 'one output is assumed')
    : exact(method, price * outputs);
}

function perPixel({ method, price, priceExtra, priceInput = 0 }: Row, values: Values, files: Files): Price {
  const size = sizeOf(values);
  const tiers = size === undefined ? 1 : Math.max(1, Math.ceil((size.width * size.height) / TIER_PIXELS));
  const images = [...files.values()].reduce((sum, count) => sum + count, 0);
  const output = priceExtra === undefined ? price * tiers : price + (tiers - 1) * priceExtra;
  const outputs = firstNumber(values, OUTPUT_COUNTS) ?? 1;
  const usd = (output + images * priceInput * tiers) * outputs;
  if (size === undefined) return estimate(method, usd, 'an output of one megapixel is assumed');
  // Wiro does not say how outputs beyond the first are counted.
  return outputs > 1 ? estimate(method, usd, 'each output is assumed to cost the same') : exact(method, usd);
}

function perCharacter({ method, price }: Row, values: Values): Price {
  const prompt = values.get('prompt');
  return prompt === undefined
    ? unknown(`each character of the prompt costs ${price} USD`, method)
    : exact(method, price * prompt.length);
}

function perVideoSecond({ method, price }: Row, values: Values): Price {
  const seconds = firstNumber(values, DURATIONS);
  return seconds === undefined
    ? unknown(`each second of the video costs ${price} USD`, method)
    : exact(method, price * seconds);
}

// --- what the request says ------------------------------------------------------------------------------------

/** Values by parameter as text, defaults included. Wiro takes numbers as text too. */
type Values = ReadonlyMap<string, string>;

const OUTPUT_COUNTS = [
  'samples',
  'numberOfImages',
  'numberOfOutputs',
  'numImages',
  'num_images',
  'numOutputs',
  'num_outputs',
  'batchSize',
  'batch_size',
  'n',
];
const DURATIONS = ['duration', 'seconds', 'videoLength', 'video_length', 'durationSeconds'];
const SIZES = ['size', 'resolution', 'imageSize', 'image_size'];

function valuesOf({ parameters }: Asked, schema: ModelSchema['parameters']): Values {
  const defaults = schema.map(({ id, default: value }) => [id, textOf(value)] as const);
  const unset = new Set(
    // Clients of Wiro send 0 for a number that is unset.
    schema.filter(({ min = 0, required }) => min > 0 && !required).map(({ id }) => id),
  );
  const given = Object.entries(parameters)
    .filter(([id, value]) => !(unset.has(id) && (value === 0 || value === '0')))
    .map(([id, value]) => [id, textOf(value)] as const);
  return new Map(
    [...defaults, ...given].filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** The number of files by parameter: given as inputs, or as URLs in `{id}` or `{id}Url`. */
type Files = ReadonlyMap<string, number>;

function filesOf({ parameters, inputs }: Asked, schema: ModelSchema['parameters']): Files {
  const counts = new Map(Object.entries(inputs).map(([id, sources]) => [id, sources.length]));
  for (const { id, type } of schema) {
    if (!type.endsWith('fileinput')) continue;
    for (const name of [id, `${id}Url`]) {
      const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
      counts.set(id, (counts.get(id) ?? 0) + countUrls(value, type === 'fileinput'));
    }
  }
  return counts;
}

function countUrls(value: unknown, isOne: boolean): number {
  if (Array.isArray(value)) return value.length;
  if (typeof value !== 'string' || value.trim() === '') return 0;
  return isOne ? 1 : value.split(/,(?=\s?https?:)/i).length;
}

/** `undefined` for what is unset: clients of Wiro send `''` for it. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** The first that is a number above zero. Clients of Wiro send 0 for what is unset. */
function firstNumber(values: Values, ids: readonly string[]): number | undefined {
  for (const id of ids) {
    const text = values.get(id)?.trim() ?? '';
    // `5s` and `5 seconds` occur as options.
    const [digits] = /^\d{1,9}(?:\.\d{1,9})?/.exec(text) ?? [];
    if (digits !== undefined && Number(digits) > 0) return Number(digits);
  }
  return undefined;
}

function sizeOf(values: Values): { readonly width: number; readonly height: number } | undefined {
  const width = firstNumber(values, ['width']);
  const height = firstNumber(values, ['height']);
  if (width !== undefined && height !== undefined) return { width, height };
  for (const id of SIZES) {
    const [, wide, high] = /^(\d{1,5})\s?[x×*]\s?(\d{1,5})$/i.exec(values.get(id)?.trim() ?? '') ?? [];
    if (wide !== undefined && high !== undefined) return { width: Number(wide), height: Number(high) };
  }
  return undefined;
}

// --- the price list -------------------------------------------------------------------------------------------

interface Row {
  readonly conditions: readonly (readonly [id: string, value: string])[];
  readonly price: number;
  readonly method: string;
  readonly priceExtra?: number;
  readonly priceInput?: number;
}

/** Rows that cannot be read are left out: a price that is not understood is not guessed at. */
function rowsOf(prices: readonly unknown[]): readonly Row[] {
  return prices.flatMap((one) => {
    if (typeof one !== 'object' || one === null) return [];
    const { inputs, price, priceMethod, priceExtra, priceInput } = one as Record<string, unknown>;
    const amount = amountOf(price);
    if (amount === undefined || typeof priceMethod !== 'string') return [];
    const conditions = Object.entries(typeof inputs === 'object' && inputs !== null ? inputs : {}).map(
      ([id, value]) => [id, String(value)] as const,
    );
    const extra = amountOf(priceExtra);
    const input = amountOf(priceInput);
    return [
      {
        conditions,
        price: amount,
        method: priceMethod,
        ...(extra !== undefined && { priceExtra: extra }),
        ...(input !== undefined && { priceInput: input }),
      },
    ];
  });
}

function amountOf(value: unknown): number | undefined {
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '')) return undefined;
  const amount = Number(value);
  return Number.isFinite(amount) && amount >= 0 ? amount : undefined;
}

/** The row whose conditions all hold; of several, the one with the most. */
function matchingRow(rows: readonly Row[], values: Values, files: Files): Row | undefined {
  const [best] = rows
    .filter(({ conditions }) => conditions.every(([id, value]) => holds(id, value, values, files)))
    .sort((a, b) => b.conditions.length - a.conditions.length);
  return best;
}

function holds(id: string, wanted: string, values: Values, files: Files): boolean {
  const [, quantity] = /^QUANTITY:\s?(\d{1,6})$/i.exec(wanted) ?? [];
  if (quantity !== undefined) {
    return (files.get(id) ?? 0) === Number(quantity);
  }
  return isSame(values.get(id), wanted);
}

function isSame(given: string | undefined, wanted: string): boolean {
  if (given === undefined) return wanted === '';
  const [a, b] = [given.trim().toLowerCase(), wanted.trim().toLowerCase()];
  return a === b || (a !== '' && b !== '' && Number(a) === Number(b));
}

// --- answers --------------------------------------------------------------------------------------------------

/** Wiro's prices have up to 12 decimals; a sum of them has no more. */
const rounded = (usd: number): number => Number(usd.toFixed(12));

const exact = (method: string, usd: number): Price => ({ certainty: 'exact', usd: rounded(usd), method });

const estimate = (method: string, usd: number, note: string): Price => ({
  certainty: 'estimate',
  usd: rounded(usd),
  method,
  note,
});

const unknown = (note: string, method?: string): Price => ({
  certainty: 'unknown',
  ...(method !== undefined && { method }),
  note,
});
