import { useEffect, useState } from 'preact/hooks';
import { describeError } from './describe-error.ts';

export type Loaded<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'failed'; readonly message: string }
  | { readonly state: 'loaded'; readonly value: T };

/** Loads when `key` changes, and forgets what an earlier key brings. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, key: string): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T> & { readonly key: string }>({ state: 'loading', key });
  useEffect(() => {
    const leaving = new AbortController();
    load(leaving.signal).then(
      (value) => !leaving.signal.aborted && setLoaded({ state: 'loaded', value, key }),
      (error: unknown) =>
        !leaving.signal.aborted && setLoaded({ state: 'failed', message: describeError(error), key }),
    );
    return () => leaving.abort();
  }, [key]);
  return loaded.key === key ? loaded : { state: 'loading' };
}
