import { RequestError } from '../generation/errors.ts';
import { isAllowedModel } from '../request/model-name.ts';
import { type Price, priceOf } from '../request/price.ts';
import { gatherProblems } from '../request/problems.ts';
import type { Durations } from '../settings.ts';
import { WiroError } from '../wiro/errors.ts';
import type { Model, ModelKind, ModelPage, WiroClient } from '../wiro/types.ts';
import { askWiro } from './ask-wiro.ts';
import { readLimit, readQuery } from './read-query.ts';

export interface ListModelsDeps {
  readonly wiro: Pick<WiroClient, 'models'>;
  /** Patterns of the models that the deployment runs. @default - it runs every model */
  readonly allowedModels?: readonly string[] | undefined;
  readonly durations: Pick<Durations, 'headers'>;
}

/** A model as a list shows it. */
export interface ModelRow {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly kind: ModelKind;
  /** With the model's defaults. Absent if Wiro's list shows no prices. */
  readonly price?: Price;
}

export interface ModelList {
  readonly models: readonly ModelRow[];
  /** Absent if nothing is left. */
  readonly cursor?: string;
}

const MOST = 100;
const USUAL = 20;
/** Wiro cannot filter by a deployment's patterns, so that it may take several of its pages to fill one. */
const MOST_PAGES = 5;
const LONGEST_SEARCH = 200;

/** A row of Wiro's list, or of its list of one owner's models. */
interface Position {
  readonly owner: string | undefined;
  readonly start: number;
}

/**
 * Lists the models that the deployment runs, in Wiro's order. Asks Wiro a bounded number of times: a page may be short,
 * and still have a cursor.
 */
export async function listModels(
  { wiro, allowedModels, durations }: ListModelsDeps,
  query: URLSearchParams | undefined,
): Promise<ModelList> {
  const owners = ownersIn(allowedModels);
  const { search, limit, first } = parseModelsQuery(query, owners);
  const rows = allowedModels === undefined ? limit : MOST;
  const endsAt = performance.now() + durations.headers;
  const models: Model[] = [];
  let position: Position | undefined = first;
  for (let pages = 0; pages < MOST_PAGES && position !== undefined && models.length < limit; pages += 1) {
    const { owner, start }: Position = position;
    const asked = { search, start, limit: rows, ...(owner !== undefined && { owner }) };
    const page = await ask(wiro, asked, endsAt - performance.now()).catch((error: unknown) => {
      // The models found before the failure are a page, too.
      if (models.length > 0) return undefined;
      throw error;
    });
    if (page === undefined) break;
    let seen = 0;
    for (; seen < page.models.length && models.length < limit; seen += 1) {
      const model = page.models[seen];
      if (model !== undefined && isAllowedModel(model.name, allowedModels)) models.push(model);
    }
    position = positionAfter({ owner, start: start + seen }, page, { seen, rows, owners });
  }
  return {
    models: models.map(toRow),
    ...(position !== undefined && { cursor: toCursor(search, position) }),
  };
}

const ask = (
  wiro: ListModelsDeps['wiro'],
  query: Parameters<WiroClient['models']>[0],
  timeoutMs: number,
): Promise<ModelPage> =>
  askWiro('for its models', () =>
    wiro.models(query, timeoutMs).catch((error: unknown) => {
      if (error instanceof WiroError && error.kind === 'notFound') return { models: [] };
      throw error;
    }),
  );

function positionAfter(
  next: Position,
  { models, total }: ModelPage,
  { seen, rows, owners }: { seen: number; rows: number; owners: readonly (string | undefined)[] },
): Position | undefined {
  const isMore =
    seen < models.length ||
    (models.length > 0 && (total === undefined ? models.length >= rows : next.start < total));
  if (isMore) return next;
  const at = owners.indexOf(next.owner) + 1;
  return at < owners.length ? { owner: owners[at], start: 0 } : undefined;
}

/** Wiro can list one owner's models, so a deployment that runs few models need not search all of them. */
const ownersIn = (patterns: readonly string[] | undefined): readonly (string | undefined)[] =>
  patterns === undefined
    ? [undefined]
    : [...new Set(patterns.map((pattern) => pattern.slice(0, pattern.indexOf('/'))))];

function toRow(model: Model): ModelRow {
  const { name, title, description, kind, prices, approximateCostUsd } = model;
  const hasPrice = prices !== undefined || approximateCostUsd !== undefined;
  return {
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    kind,
    ...(hasPrice && { price: priceOf({ parameters: {}, inputs: {} }, model, model) }),
  };
}

// --- the query ------------------------------------------------------------------------------------------------

function parseModelsQuery(query: URLSearchParams | undefined, owners: readonly (string | undefined)[]) {
  const problems = gatherProblems();
  const given = readQuery(query, { names: ['search', 'limit', 'cursor'], problems });
  const search = given.get('search')?.trim() ?? '';
  problems.check(() => {
    if (search.length > LONGEST_SEARCH)
      throw new RequestError(
        'invalid_parameter',
        `search must have at most ${LONGEST_SEARCH} characters.`,
        'search',
      );
  });
  const limit = problems.check(() => readLimit(given.get('limit'), { most: MOST, usual: USUAL }));
  const first = problems.check(() => readCursor(given.get('cursor'), search, owners));
  problems.throwAny();
  return { search, limit: limit ?? USUAL, first: first ?? { owner: owners[0], start: 0 } };
}

const VERSION = 1;
const LONGEST_CURSOR = 2_000;

const toCursor = (
  search: string,
  { owner = null, start }: { owner?: string | null | undefined; start: number },
) => Buffer.from(JSON.stringify([VERSION, search, owner, start])).toString('base64url');

function readCursor(
  text: string | undefined,
  search: string,
  owners: readonly (string | undefined)[],
): Position | undefined {
  if (text === undefined) return undefined;
  const start = Number(/,(\d{1,9})\]$/.exec(decode(text))?.[1] ?? Number.NaN);
  // Every cursor that there can be, for this search and this deployment.
  const owner = owners.findIndex((one) => toCursor(search, { owner: one, start }) === text);
  if (Number.isInteger(start) && owner >= 0) return { owner: owners[owner], start };
  throw new RequestError(
    'invalid_parameter',
    'cursor must be that of an earlier answer to the same search, unchanged. Leave it out to start with the first page.',
    'cursor',
  );
}

const decode = (text: string): string =>
  text.length > LONGEST_CURSOR ? '' : Buffer.from(text, 'base64url').toString('utf8');
