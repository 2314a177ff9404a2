import { useEffect, useState } from 'preact/hooks';
import { type Generation, hasEnded, WiroServerlessError } from '../../../client/index.ts';
import { client } from '../client.ts';
import { describeError } from '../ui/describe-error.ts';
import { addMessage, NOTHING_YET, type ProgressState } from './progress-state.ts';

/** A generation as it goes on. */
export interface Followed {
  readonly record?: Generation;
  readonly progress: ProgressState;
  /** Whether Wiro's socket tells what happens. Otherwise the record is read every few seconds. */
  readonly isLive: boolean;
  /** Why it could not be read. */
  readonly failure?: string;
}

const NOTHING: Followed = { progress: NOTHING_YET, isLive: false };
const LONGEST_POLL_MS = 3_000;
const PAUSE_MS = 3_000;

/**
 * Follows a generation until it has ended: on Wiro's socket where it can, and by reading its record. One that has ended
 * may be retried elsewhere, so its record is read once more when the page comes to the front again.
 * @param round - Another number follows it anew, as after a retry.
 */
export function useFollowed(id: string, round: number): Followed {
  const [followed, setFollowed] = useState(NOTHING);
  useEffect(() => {
    const leaving = new AbortController();
    const update = (change: (before: Followed) => Followed) => {
      if (!leaving.signal.aborted) setFollowed(change);
    };
    update(({ record }) => ({ ...NOTHING, ...(record && { record }) }));
    void follow(id, leaving.signal, update);
    return () => leaving.abort();
  }, [id, round]);
  return followed;
}

async function follow(
  id: string,
  signal: AbortSignal,
  update: (change: (before: Followed) => Followed) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await client.wait(id, {
        signal,
        maximumPollMs: LONGEST_POLL_MS,
        onRecord: (record) => update((before) => withRecord(before, record)),
        onProgress: (message) =>
          update((before) => ({ ...before, progress: addMessage(before.progress, message) })),
        onSocket: (isLive) => update((before) => ({ ...before, isLive })),
      });
      await lookedAtAgain(signal);
    } catch (error) {
      if (signal.aborted) return;
      update((before) => ({ ...before, failure: describeError(error) }));
      // What is unknown stays unknown. Everything else may come back.
      if (error instanceof WiroServerlessError && error.status === 404) return;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

function withRecord({ failure: _, ...before }: Followed, record: Generation): Followed {
  const isRetried = before.record !== undefined && hasEnded(before.record) && !hasEnded(record);
  return {
    ...before,
    record,
    isLive: before.isLive && !hasEnded(record),
    ...(isRetried && { progress: NOTHING_YET }),
  };
}

/** Waits until the page comes to the front. */
function lookedAtAgain(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const heard = new AbortController();
    const look = () => {
      if (document.hidden) return;
      heard.abort();
      resolve();
    };
    const options = { signal: AbortSignal.any([signal, heard.signal]) };
    addEventListener('focus', look, options);
    document.addEventListener('visibilitychange', look, options);
  });
}
