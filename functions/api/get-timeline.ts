import { toTimeline } from '../generation/timeline.ts';
import type { TimelineEntry } from '../generation/timeline-entries.ts';
import type { WholeGeneration } from '../store/generation-store.ts';
import type { Timelines } from '../store/timelines.ts';

export interface GenerationTimeline {
  readonly generationId: string;
  /** Oldest first. */
  readonly entries: readonly TimelineEntry[];
  /** How many more there were. */
  readonly truncated?: number;
}

export interface TimelineDeps {
  readonly timelines: Pick<Timelines, 'read'>;
}

/** Returns what happened to a generation, with times. */
export async function getTimeline(
  { timelines }: TimelineDeps,
  { generation, pastAttempts, outputs, copiedAt }: WholeGeneration,
): Promise<GenerationTimeline> {
  const { noted, omitted } = await timelines.read(generation);
  const copied = copiedAt === undefined ? undefined : { at: copiedAt, outputs: outputs.length };
  return {
    generationId: generation.id,
    entries: toTimeline({ generation, pastAttempts, copied, noted }),
    ...(omitted > 0 && { truncated: omitted }),
  };
}
