import type { DeploymentParameters } from '../aws/parameters.ts';
import type { Generation, Submitting } from '../generation/generation.ts';
import { type Clock, type Moment, timestamp } from '../generation/time.ts';
import type { FindModel } from '../intake/known-models.ts';
import type { Durations } from '../settings.ts';
import type { AttemptNotesStore, Deaths } from '../store/attempt-notes.ts';
import type { Claim } from '../store/claim.ts';
import type { Gate } from '../store/gate.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import type { WiroClient } from '../wiro/types.ts';
import type { BringInputsDeps } from './bring-inputs.ts';

export interface SubmitDeps extends Pick<BringInputsDeps, 'inputs' | 'uploads' | 'memory' | 'handover'> {
  readonly generations: GenerationStore;
  readonly notes: AttemptNotesStore;
  readonly gate: Gate;
  readonly wiro: Pick<WiroClient, 'run' | 'task' | 'tasks' | 'model' | 'upload'>;
  readonly knownModel: FindModel;
  readonly parameters: () => Promise<DeploymentParameters>;
  /** Discards the cached parameters, which Wiro did not accept. The next read fetches them anew. */
  readonly forgetParameters: () => void;
  readonly announce: (id: string) => Promise<void>;
  /** Starts collecting a task whose callback came before the task was recorded. */
  readonly collect: (id: string) => Promise<void>;
  readonly durations: Durations;
  readonly clock: Clock;
  /** Milliseconds on a clock that cannot be set. */
  readonly monotonic: () => number;
  readonly createHolder: () => string;
  /** The function's remaining time in milliseconds. */
  readonly remainingMs: () => number;
}

/** What a submission works with once it has claimed its generation. */
export interface WorkDeps extends SubmitDeps {
  readonly id: string;
  readonly claim: Claim<Submitting>;
  /** The deaths in a row before this claim. */
  readonly deaths?: Deaths;
}

/**
 * How one submission ended.
 * - `task`: a task runs.
 * - `noTask`: the generation ended, or has ended before. It needs no slot.
 * - `later`: a setback. `reconcile` tries again.
 * - `elsewhere`: another holder has the generation.
 * - `waiting`: the generation is in line at the gate. `wasRefused` if Wiro refused its Run with code 96; otherwise our own
 *   count found no free slot.
 *
 * `isAwaited` says whether the line has a generation that there is room for, if that is known.
 */
export type SubmitEnd =
  | { readonly kind: 'noTask' | 'later' | 'elsewhere' }
  | { readonly kind: 'task'; readonly isAwaited?: boolean | undefined }
  | {
      readonly kind: 'waiting';
      readonly generation: Generation;
      readonly wasRefused: boolean;
      readonly isAwaited?: boolean | undefined;
    };

export const moment = ({ clock, durations }: Pick<SubmitDeps, 'clock' | 'durations'>): Moment => ({
  now: timestamp(clock()),
  durations,
});
