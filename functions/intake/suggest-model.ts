import { findClosest } from '../request/did-you-mean.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { WiroClient } from '../wiro/types.ts';

/** A request file may name a thousand models that do not exist. */
const MOST_PER_MINUTE = 10;
const ROWS = 100;
const MOST_WORDS = 2;

/**
 * Finds the model that a misspelled name most likely means, among those that Wiro finds by the words of the name.
 * @returns A function that returns `undefined` if there is none, or none could be found within the time. It never
 *   throws.
 */
export function createModelSuggestions({
  wiro,
  limitMs,
  monotonic = () => performance.now(),
}: {
  readonly wiro: Pick<WiroClient, 'models'>;
  readonly limitMs: number;
  readonly monotonic?: () => number;
}): (name: string) => Promise<string | undefined> {
  let searches: number[] = [];

  const namesFor = async (query: { readonly search?: string; readonly owner?: string }) => {
    const page = await wiro
      .models({ ...query, limit: ROWS }, limitMs)
      .catch(logIgnored('the error does without a suggestion'));
    return (page?.models ?? []).flatMap((model) => (model === undefined ? [] : [model.name]));
  };

  return async (name) => {
    searches = searches.filter((at) => monotonic() - at < 60_000);
    if (searches.length >= MOST_PER_MINUTE) return undefined;
    searches.push(monotonic());
    const [owner = '', project = ''] = name.split('/');
    const words = project
      .split(/[^A-Za-z0-9]+/)
      .filter((word) => word.length > 2)
      .sort((a, b) => b.length - a.length)
      .slice(0, MOST_WORDS);
    const found = await Promise.all([
      namesFor({ owner }),
      ...words.map((word) => namesFor({ search: word })),
    ]);
    return findClosest(name, [...new Set(found.flat())]);
  };
}
