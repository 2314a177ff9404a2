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

export function searchModels(query: Readonly<Record<string, unknown>>): SimulatedModel[] {
  const search = String(query.search ?? '').toLowerCase();
  const owner = String(query.slugowner ?? '');
  const categories = [query.categories ?? []].flat().map(String).filter(Boolean);
  const found = CATALOGUE.filter(
    (model) =>
      (!owner || model.owner === owner) &&
      categories.every((category) => model.categories.includes(category)) &&
      `${modelName(model)} ${model.title} ${model.description}`.toLowerCase().includes(search),
  );
  return String(query.order ?? '').toUpperCase() === 'DESC' ? found.toReversed() : found;
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
