import type { Flow } from '../flow.ts';
import { badInput } from './bad-input.ts';
import { cancel } from './cancel.ts';
import { announced, rejectedEvent, requested } from './events.ts';
import { failure } from './failure.ts';
import { idempotency } from './idempotency.ts';
import { largeOutputs } from './large-outputs.ts';
import { lostCallback } from './lost-callback.ts';
import { preset, rejectedDrop } from './presets.ts';
import { rejectedFile, requestFile } from './request-files.ts';
import { forgedCallback, unsigned } from './strangers.ts';
import { success } from './success.ts';

/** In the table's order. They run side by side, so none may depend on another or disturb it. */
export const FLOWS: readonly Flow[] = [
  success,
  ...largeOutputs,
  failure,
  requestFile,
  rejectedFile,
  preset,
  rejectedDrop,
  requested,
  rejectedEvent,
  announced,
  lostCallback,
  cancel,
  idempotency,
  badInput,
  forgedCallback,
  unsigned,
];
