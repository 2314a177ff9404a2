import { isRecord } from '../../runtime/json.ts';
import type { Model, ModelKind, ModelParameter } from '../types.ts';
import {
  amountOf,
  type Fields,
  fieldOf,
  filledTextOf,
  listOf,
  numberOf,
  omitUndefined,
  textOf,
  truthOf,
} from './values.ts';

/** Reads one row of `tool`. Returns `undefined` if it does not name a model. */
export function parseModel(row: unknown): Model | undefined {
  if (!isRecord(row)) return undefined;
  const clean = slugsOf(row, 'cleanslugowner', 'cleanslugproject');
  const raw = slugsOf(row, 'slugowner', 'slugproject');
  const owner = clean.owner ?? raw.owner;
  const project = clean.project ?? raw.project;
  if (owner === undefined || project === undefined) return undefined;
  const isOther = raw.owner !== owner || raw.project !== project;
  const otherSlugs =
    isOther && raw.owner !== undefined && raw.project !== undefined
      ? [{ owner: raw.owner, project: raw.project }]
      : [];
  return {
    name: `${owner}/${project}`,
    kind: kindOf(row),
    slugs: [{ owner, project }, ...otherSlugs],
    parameters: parametersOf(fieldOf(row, 'parameters')),
    ...omitUndefined({
      title: filledTextOf(fieldOf(row, 'title')),
      description: filledTextOf(fieldOf(row, 'description')),
      prices: pricesOf(row),
      approximateCostUsd: amountOf(fieldOf(row, 'approximatelycost')),
    }),
  };
}

const slugsOf = (row: Fields, owner: string, project: string) => ({
  owner: filledTextOf(fieldOf(row, owner)),
  project: filledTextOf(fieldOf(row, project)),
});

/** Flattens the groups of parameters into one list. The first of two with the same id counts. */
function parametersOf(groups: unknown): readonly ModelParameter[] {
  const parameters = new Map<string, ModelParameter>();
  for (const group of listOf(groups) ?? []) {
    if (!isRecord(group)) continue;
    const items = listOf(fieldOf(group, 'items'));
    const title = items && filledTextOf(fieldOf(group, 'title'));
    for (const item of items ?? [group]) {
      const parameter = parseParameter(item, title);
      if (parameter && !parameters.has(parameter.id)) parameters.set(parameter.id, parameter);
    }
  }
  return [...parameters.values()];
}

/** @param group - The title above it in Wiro's form. */
function parseParameter(item: unknown, group: string | undefined): ModelParameter | undefined {
  if (!isRecord(item)) return undefined;
  const id = filledTextOf(fieldOf(item, 'id'));
  if (id === undefined) return undefined;
  return {
    id,
    type: filledTextOf(fieldOf(item, 'type')) ?? 'text',
    required: truthOf(fieldOf(item, 'required')) ?? false,
    ...omitUndefined({
      label: filledTextOf(fieldOf(item, 'label')),
      default: fieldOf(item, 'default') ?? undefined,
      options: optionsOf(fieldOf(item, 'options')),
      min: numberOf(fieldOf(item, 'min')),
      max: numberOf(fieldOf(item, 'max')),
      step: numberOf(fieldOf(item, 'step')),
      note: filledTextOf(fieldOf(item, 'note')),
      placeholder: filledTextOf(fieldOf(item, 'placeholder')),
      group,
      advanced: truthOf(fieldOf(item, 'advanced')) === true ? (true as const) : undefined,
    }),
  };
}

function optionsOf(options: unknown): ModelParameter['options'] {
  return listOf(options)?.flatMap((option) => {
    const value = isRecord(option) ? textOf(fieldOf(option, 'value')) : textOf(option);
    if (value === undefined) return [];
    const label = isRecord(option)
      ? (filledTextOf(fieldOf(option, 'label')) ?? filledTextOf(fieldOf(option, 'text')))
      : undefined;
    return [{ value, ...omitUndefined({ label }) }];
  });
}

/**
 * Derives the kind from the words of the categories (`realtime-conversation`) or from a price per turn, because Wiro
 * has no field for it. A model that is both counts as realtime: its task would wait for a client.
 */
function kindOf(row: Fields): ModelKind {
  const categories = listOf(fieldOf(row, 'categories')) ?? [];
  const words = new Set(
    categories.flatMap(
      (category) =>
        textOf(category)
          ?.toLowerCase()
          .replace('real-time', 'realtime')
          .split(/[^a-z]+/) ?? [],
    ),
  );
  const isPerTurn = (price: unknown) =>
    isRecord(price) && textOf(fieldOf(price, 'priceMethod'))?.toLowerCase() === 'cp-realtimeturn';
  if (words.has('realtime') || pricesOf(row)?.some(isPerTurn)) return 'realtime';
  return TRAINING.some((word) => words.has(word)) ? 'training' : 'plain';
}

const TRAINING = ['training', 'trainer', 'train'];

/** Returns `dynamicprice`, or else the price per second (`cps`) in the same form. */
function pricesOf(row: Fields): readonly unknown[] | undefined {
  const prices = listOf(fieldOf(row, 'dynamicprice'));
  if (prices !== undefined && prices.length > 0) return prices;
  const price = amountOf(fieldOf(row, 'cps'));
  return price ? [{ inputs: {}, price, priceMethod: 'cps' }] : undefined;
}
