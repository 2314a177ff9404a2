import type { ProgressState } from './progress-state.ts';

/** What the model wrote, and each stage of its task, as Wiro's socket told it. */
export function DebugLog({ progress: { log, logBefore } }: { readonly progress: ProgressState }) {
  if (log.length === 0) return null;
  return (
    <details class="debug">
      <summary>Debug log ({log.length + logBefore})</summary>
      <ol class="log" start={logBefore + 1}>
        {log.map(({ text, isError }, index) => (
          <li key={index + logBefore} class={isError ? 'error' : undefined}>
            {isError && <span class="hidden">Error: </span>}
            {text}
          </li>
        ))}
      </ol>
    </details>
  );
}
