import type { Collecting, Generation, Submitting } from '../../functions/generation/generation.ts';

// Takes a step as a claim does: only while its holder has the generation, and only from the state in which it begins.

export const whenSubmitting = <T>(
  generation: Generation,
  holder: string,
  step: (held: Submitting) => T,
): T | undefined =>
  generation.status === 'submitting' && generation.claim.holder === holder ? step(generation) : undefined;

export const whenCollecting = <T>(
  generation: Generation,
  holder: string,
  step: (held: Collecting) => T,
): T | undefined =>
  generation.status === 'collecting' && generation.claim.holder === holder ? step(generation) : undefined;

export const whenHeld = <T>(
  generation: Generation,
  holder: string,
  step: (held: Submitting | Collecting) => T,
): T | undefined => whenSubmitting(generation, holder, step) ?? whenCollecting(generation, holder, step);
