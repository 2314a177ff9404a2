import type { Generation, GenerationList, GenerationRow, ModelList, ModelRow, Status } from './api-types.ts';
import type { ApiCall } from './http.ts';

/** Which generations to list. All filters apply together. */
export interface ListOptions {
  readonly status?: Status;
  readonly model?: Generation['model'];
  readonly labels?: Readonly<Record<string, string>>;
  readonly origin?: GenerationRow['origin'];
  /** Accepted at this time or later. @default - 13 months back */
  readonly from?: Date | string;
  /** Accepted before this time. @default - now */
  readonly to?: Date | string;
  /** Rows of one request to the API, at most 100. @default 20 */
  readonly pageSize?: number;
  readonly signal?: AbortSignal;
}

/** Reads page after page, as far as the rows are asked for. */
export async function* listGenerations(
  call: (call: ApiCall) => Promise<unknown>,
  { status, model, labels = {}, origin, from, to, pageSize, signal }: ListOptions,
): AsyncGenerator<GenerationRow, void, undefined> {
  const query = toQuery({
    status,
    model,
    origin,
    from,
    to,
    limit: pageSize?.toString(),
    ...Object.fromEntries(Object.entries(labels).map(([name, value]) => [`label.${name}`, value])),
  });
  for await (const { generations } of pages<GenerationList>(call, '/generations', query, signal))
    yield* generations;
}

/** Which models to list. */
export interface ListModelsOptions {
  /** Words, as in Wiro's own search. @default - every model */
  readonly search?: string;
  /** Rows of one request to the API, at most 100. @default 20 */
  readonly pageSize?: number;
  readonly signal?: AbortSignal;
}

/** Reads page after page, as far as the rows are asked for. */
export async function* listModels(
  call: (call: ApiCall) => Promise<unknown>,
  { search, pageSize, signal }: ListModelsOptions,
): AsyncGenerator<ModelRow, void, undefined> {
  const query = toQuery({ search, limit: pageSize?.toString() });
  for await (const { models } of pages<ModelList>(call, '/models', query, signal)) yield* models;
}

/** @throws If the API returns the same cursor twice: the list would never end. */
export async function* pages<Page extends { readonly cursor?: string }>(
  call: (call: ApiCall) => Promise<unknown>,
  list: string,
  query: URLSearchParams,
  signal: AbortSignal | undefined,
): AsyncGenerator<Page, void, undefined> {
  for (;;) {
    const path = query.size === 0 ? list : `${list}?${query}`;
    const page = (await call({ method: 'GET', path, isRepeatable: true, signal })) as Page;
    yield page;
    const { cursor } = page;
    if (cursor === undefined) return;
    if (query.get('cursor') === cursor)
      throw new Error('Cannot list further: the API answered the same cursor twice.');
    query.set('cursor', cursor);
  }
}

/** The query of these parameters; those without a value are left out. */
export function toQuery(given: Readonly<Record<string, string | Date | undefined>>): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given))
    if (value !== undefined) query.set(name, value instanceof Date ? value.toISOString() : value);
  return query;
}
