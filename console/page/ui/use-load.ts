import { useEffect, useState } from 'preact/hooks';
import { describeError } from './describe-error.ts';

export type Loaded<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'failed'; readonly message: string; readonly again: () => void }
  | { readonly state: 'loaded'; readonly value: T };

/** Loads when `key` changes or on request, and forgets what an earlier key brings. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, key: string): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T> & { readonly key: string }>({ state: 'loading', key });
  const [round, setRound] = useState(0);
  const again = () => {
    setLoaded({ state: 'loading', key });
    setRound((before) => before + 1);
  };
  useEffect(() => {
    const leaving = new AbortController();
    load(leaving.signal).then(
      (value) => !leaving.signal.aborted && setLoaded({ state: 'loaded', value, key }),
      (error: unknown) =>
        !leaving.signal.aborted && setLoaded({ state: 'failed', message: describeError(error), again, key }),
    );
    return () => leaving.abort();
  }, [key, round]);
  return loaded.key === key ? loaded : { state: 'loading' };
}
