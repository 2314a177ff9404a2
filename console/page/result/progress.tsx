import { useEffect, useState } from 'preact/hooks';
import type { Generation } from '../../../client/index.ts';
import { type ProgressState, SENTENCE } from './progress-state.ts';
import { whyItWaits } from './why-it-waits.ts';

interface ProgressProps {
  readonly record: Generation;
  readonly progress: ProgressState;
  readonly isLive: boolean;
  /** Whether the record can be read at present. */
  readonly isRead: boolean;
}

/** What a generation does, or why it waits. */
export function Progress({ record, progress, isLive, isRead }: ProgressProps) {
  const now = useNow(1_000);
  const { stage, percentage, detail } = progress;
  const { status, waitingFor, cancelRequestedAt } = record;
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
      <p class="stage">{stage === undefined ? STEP[status] : SENTENCE[stage]}</p>
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
        {isRead
          ? isLive
            ? "Live from Wiro's socket."
            : 'The record is read every few seconds.'
          : 'This is how it was when it was last read.'}
      </p>
    </div>
  );
}

/** What each status means, before anything else is known. */
const STEP: Readonly<Partial<Record<Generation['status'], string>>> = {
  queued: 'Accepted. It is sent to Wiro when there is a slot.',
  submitting: 'Its inputs and its Run are sent to Wiro.',
  running: 'Its task is at Wiro.',
  collecting: 'Its outputs are copied to the bucket.',
};

/** The time, often enough for a sentence about it. */
export function useNow(everyMs: number): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
