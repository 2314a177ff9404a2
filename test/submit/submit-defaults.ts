import { createRoom } from '../../functions/submit/room.ts';
import type { SubmitDeps } from '../../functions/submit/submit-deps.ts';

/** What a submission needs besides a store and a Wiro: no inputs, fixed parameters, a stopped clock. */
export const SUBMIT_DEFAULTS: Pick<
  SubmitDeps,
  'inputs' | 'uploads' | 'memory' | 'knownModel' | 'parameters' | 'collect' | 'monotonic'
> = {
  inputs: {} as SubmitDeps['inputs'],
  uploads: {} as SubmitDeps['uploads'],
  memory: createRoom(1_000_000),
  knownModel: async () => undefined,
  parameters: async () => ({
    apiKey: 'key',
    callbackSecrets: ['secret'],
    callbackBaseUrl: 'https://callback.example',
    callbackFunction: 'callback',
  }),
  collect: async () => undefined,
  monotonic: () => 0,
};
