import type { ComponentChildren } from 'preact';
import type { Loaded } from './use-load.ts';

/** Shows what was loaded, or why it was not. */
export function WhenLoaded<T>({
  loaded,
  children,
}: {
  readonly loaded: Loaded<T>;
  readonly children: (value: T) => ComponentChildren;
}) {
  if (loaded.state === 'loading')
    return (
      <p class="quiet" role="status">
        Loading…
      </p>
    );
  if (loaded.state === 'failed')
    return (
      <p class="notice bad" role="alert">
        {loaded.message}{' '}
        <button type="button" onClick={loaded.again}>
          Try again
        </button>
      </p>
    );
  return <>{children(loaded.value)}</>;
}
