import type { Collecting } from '../generation/generation.ts';
import { type Clock, timestamp } from '../generation/time.ts';
import type { Durations } from '../settings.ts';
import type { AttemptNotesStore, Deaths } from '../store/attempt-notes.ts';
import type { Claim } from '../store/claim.ts';
import type { CopyPlaces } from '../store/copy-places.ts';
import type { Gate } from '../store/gate.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import type { WiroClient } from '../wiro/types.ts';
import type { CopyOutputsDeps } from './copy-outputs.ts';

export interface CollectDeps extends CopyOutputsDeps {
  readonly generations: GenerationStore;
  readonly notes: AttemptNotesStore;
  readonly gate: Pick<Gate, 'free'>;
  readonly wiro: Pick<WiroClient, 'task' | 'cancel' | 'kill'>;
  /** Present if the deployment limits how many generations copy their outputs at once. */
  readonly copyPlaces?: CopyPlaces | undefined;
  /** Takes the id of the generation that copies next. Only the caller collects it now. */
  readonly collectNext: (id: string) => void;
  /** Whether this invocation has collected another generation before. @default false */
  readonly isChained?: boolean;
  readonly forgetParameters: () => void;
  /** The secrets that may have signed our callback URLs. */
  readonly callbackSecrets: () => Promise<readonly string[]>;
  readonly announce: (id: string) => Promise<void>;
  readonly submit: (id: string) => Promise<void>;
  readonly durations: Durations;
  readonly clock: Clock;
  readonly createHolder: () => string;
  /** The function's remaining time in milliseconds. */
  readonly remainingMs: () => number;
}

/** What a function works with once it has claimed a generation to collect. */
export interface WorkDeps extends CollectDeps {
  readonly id: string;
  readonly claim: Claim<Collecting>;
  /** The deaths in a row before this claim. */
  readonly deaths?: Deaths;
}

export const moment = ({ clock, durations }: Pick<CollectDeps, 'clock' | 'durations'>) => ({
  now: timestamp(clock()),
  durations,
});
