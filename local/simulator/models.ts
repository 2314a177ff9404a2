import { CATALOGUE } from './model-catalogue.ts';
import type { ModelItem, SimulatedModel } from './simulated-model.ts';

/** `owner/project` */
export function modelName({ owner, project }: SimulatedModel): string {
  return `${owner}/${project}`;
}

export function modelItems({ parameters }: SimulatedModel): ModelItem[] {
  return (parameters ?? []).flatMap(({ items }) => items);
}

export function isFileItem({ type }: ModelItem): boolean {
  return ['fileinput', 'multifileinput', 'combinefileinput'].includes(type);
}

/** Finds a model by its clean or raw slugs, which differ in case and spaces. */
export function findModel(owner: string, project: string): SimulatedModel | undefined {
  const clean = (slug: string) => slug.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return CATALOGUE.find((model) => model.owner === clean(owner) && model.project === clean(project));
}

/** Finds the models that contain every word of `search`, sorted as `Tool/List` sorts them. */
export function searchModels(query: Readonly<Record<string, unknown>>): SimulatedModel[] {
  const words = String(query.search ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const owner = String(query.slugowner ?? '');
  const categories = [query.categories ?? []].flat().map(String).filter(Boolean);
  const tags = [query.tags ?? []].flat().map(String).filter(Boolean);
  const found = CATALOGUE.filter(
    (model) =>
      (!owner || model.owner === owner) &&
      categories.every((category) => model.categories.includes(category)) &&
      // No model has tags.
      tags.length === 0 &&
      words.every((word) => textOf(model).includes(word)),
  );
  const rank = rankBy(String(query.sort ?? ''), words);
  const sorted = rank ? found.toSorted((one, other) => rank(one) - rank(other)) : found;
  return String(query.order ?? '').toUpperCase() === 'DESC' ? sorted.toReversed() : sorted;
}

const textOf = (model: SimulatedModel): string =>
  `${modelName(model)} ${model.title} ${model.description}`.toLowerCase();

/** What `Tool/List` sorts by. @returns `undefined` for the order of the catalogue. */
function rankBy(sort: string, words: readonly string[]): ((model: SimulatedModel) => number) | undefined {
  switch (sort) {
    case 'relevance':
      return (model) => words.filter((word) => modelName(model).includes(word)).length;
    case 'id':
    case 'time':
      return ({ id }) => Number(id);
    case 'ratedusercount':
    case 'commentcount':
    case 'averagepoint':
      return (model) => Number(ratingOf(model)[sort]);
    default:
      return undefined;
  }
}

/** A model's rating. Invented, and the same at every start. */
function ratingOf({ id }: SimulatedModel) {
  const number = Number(id);
  return {
    ratedusercount: String(number % 17),
    commentcount: String(number % 7),
    averagepoint: ((number % 50) / 10).toFixed(2),
  };
}

/** Groups the models by their first category, in the form of `Tool/Explore`. */
export function exploreModels(): Record<string, unknown>[] {
  const groups = new Map<string, SimulatedModel[]>();
  for (const model of CATALOGUE) {
    const [first, second = 'other'] = model.categories;
    const title = first === undefined || first === 'tool' ? second : first;
    groups.set(title, [...(groups.get(title) ?? []), model]);
  }
  return [...groups].map(([title, models], index) => ({
    id: String(index + 1),
    title,
    tools: models.map(summarizeModel),
  }));
}

/** Describes a model as a row of a list, without its parameters. */
export function summarizeModel(model: SimulatedModel): Record<string, unknown> {
  const { parameters: _, ...summary } = describeModel(model);
  return summary;
}

/** Describes a model in the form of `Tool/List` and `Tool/Detail`. */
export function describeModel(model: SimulatedModel): Record<string, unknown> {
  const { price } = model;
  return {
    id: model.id,
    uuid: '15bce51f-442f-4f44-a71d-13c6374a62bd',
    title: model.title,
    slugowner: model.owner,
    slugproject: model.project,
    cleanslugowner: model.owner,
    cleanslugproject: model.project,
    description: model.description,
    image: null,
    computingtime: '4 seconds',
    categories: model.categories,
    tags: [],
    cps: 'perSecondUsd' in price ? price.perSecondUsd.toFixed(12) : '0.000000000000',
    approximatelycost: 'perSecondUsd' in price ? (price.perSecondUsd * 4).toFixed(12) : null,
    dynamicprice: dynamicPrice(price),
    parameters: model.parameters,
    ...ratingOf(model),
    taskstat: { runcount: '189', successcount: '180', errorcount: '9' },
  };
}

function dynamicPrice(price: SimulatedModel['price']): string | null {
  if ('perSecondUsd' in price) return null;
  if ('rows' in price) return JSON.stringify(price.rows);
  const [amount, priceMethod] =
    'perRunUsd' in price ? [price.perRunUsd, 'cpr'] : [price.perTurnUsd, 'cp-realtimeturn'];
  return JSON.stringify([{ inputs: {}, price: amount, priceMethod }]);
}
