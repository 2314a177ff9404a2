import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';
import { invokeLater } from '../aws/invoke.ts';
import { readDeployment, readParameters } from '../compose/deployment.ts';
import { createDeploymentGate } from '../compose/gate.ts';
import { createDeploymentGenerations } from '../compose/generations.ts';
import { createDeploymentModels } from '../compose/known-models.ts';
import { createLazyAnnouncer } from '../compose/lazy-announcer.ts';
import { createLazyInputs } from '../compose/lazy-inputs.ts';
import { lazyJson, lazyOverflow } from '../compose/lazy-objects.ts';
import { createDeploymentWiro } from '../compose/wiro-client.ts';
import { createInputPresigner } from '../objects/presign-input.ts';
import { beginInvocation } from '../runtime/log.ts';
import { readInputHandover, requireEnv } from '../settings.ts';
import { createAttemptNotesStore } from '../store/attempt-notes.ts';
import { createUploadRefusals } from '../store/upload-refusals.ts';
import { createUploadStore } from '../store/upload-store.ts';
import type { Handover } from './bring-inputs.ts';
import type { RequestEvent } from './receive.ts';
import { createRoom } from './room.ts';
import type { SubmitEnd } from './submit-deps.ts';
import { submitGeneration } from './submit-generation.ts';
import { submitInTurn } from './submit-in-turn.ts';

/** The event that other functions send: one generation to submit. */
export interface SubmitEvent {
  readonly submit: string;
}

// Built once per container: a warm start reuses the connections. What only other events need is in a file of its own,
// which is loaded when one comes.
const deployment = readDeployment();
const { table, durations, clock } = deployment;
const parameters = readParameters(deployment);
const generations = createDeploymentGenerations(deployment, lazyOverflow);
const wiro = createDeploymentWiro(deployment, parameters);
const inputs = createLazyInputs();
const presign = createInputPresigner({ inputs, now: clock });
const inputHandover = readInputHandover(process.env);
const refusals = createUploadRefusals(table, { keepMs: durations.uploadsRefused });
// Memory for inputs, for all submissions of this container. `npm run bench:cost -- --memory` measures what is left.
/** For the files in the bodies of Runs. */
const room = createRoom(20 * 1024 * 1024);
/** For inputs that are read once, and uploaded from memory. */
const memory = createRoom(16 * 1024 * 1024);
const notes = createAttemptNotesStore(table);
const knownModel = createDeploymentModels(deployment, wiro);
const submit = (id: string) =>
  invokeLater(requireEnv('AWS_LAMBDA_FUNCTION_NAME'), { submit: id } satisfies SubmitEvent);
const deps = {
  generations,
  notes,
  gate: createDeploymentGate(deployment, generations),
  wiro,
  inputs,
  memory,
  uploads: createUploadStore(table, { leaseMs: durations.markLease, keepMs: durations.uploadReuse }),
  knownModel,
  parameters: () => parameters.get(),
  forgetParameters: () => parameters.forget(),
  announce: createLazyAnnouncer(deployment, { generations, notes, results: lazyJson }),
  collect: async (id: string) => invokeLater((await parameters.get()).callbackFunction, { collect: id }),
  submit,
  durations,
  clock,
  monotonic: () => performance.now(),
  createHolder: randomUUID,
};

async function submitOne(id: string, remainingMs: () => number): Promise<SubmitEnd> {
  const ours = room.open();
  const handover: Handover =
    inputHandover === 'auto'
      ? { kind: 'auto', presign, refusals, room: ours }
      : inputHandover === 'presigned'
        ? { kind: 'presigned', presign }
        : { kind: 'upload' };
  try {
    return await submitGeneration({ ...deps, handover, remainingMs }, id);
  } finally {
    ours.close();
  }
}

export async function handler(event: SubmitEvent | RequestEvent, context: Context): Promise<void> {
  beginInvocation(context);
  const remainingMs = () => context.getRemainingTimeInMillis();
  if ('submit' in event) {
    await submitInTurn({ ...deps, submitOne: (id) => submitOne(id, remainingMs), remainingMs }, event.submit);
    return;
  }
  const { receive } = await import('./receive.ts');
  await receive({ deployment, generations, inputs, knownModel, submit }, event, remainingMs);
}
