import { useEffect, useState } from 'preact/hooks';
import type { Generation } from '../../../client/index.ts';
import { type ProgressState, SENTENCE } from './progress-state.ts';
import { whyItWaits } from './why-it-waits.ts';

interface ProgressProps {
  readonly record: Generation;
  readonly progress: ProgressState;
  readonly isLive: boolean;
}

/** What a generation does, or why it waits. */
export function Progress({ record, progress, isLive }: ProgressProps) {
  const now = useNow(1_000);
  const { stage, percentage, detail } = progress;
  const { waitingFor, cancelRequestedAt } = record;
  return (
    <div class="progress">
      {percentage !== undefined && (
        <>
          <progress max={100} value={percentage} aria-label="The model's progress" />
          <p class="percentage">
            {Math.round(percentage)} %{detail ? `: ${detail}` : ''}
          </p>
        </>
      )}
      {stage !== undefined && <p class="stage">{SENTENCE[stage]}</p>}
      {waitingFor && (
        <>
          <p class="waiting">{whyItWaits(waitingFor, now)}</p>
          <p class="quiet">{waitingFor.message}</p>
        </>
      )}
      {cancelRequestedAt !== undefined && (
        <p class="quiet">Cancellation is requested: the task's own end decides.</p>
      )}
      <p class="quiet source">
        {isLive ? "Live from Wiro's socket." : 'The record is read every few seconds.'}
      </p>
    </div>
  );
}

/** The time, often enough for a sentence about it. */
export function useNow(everyMs: number): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
