import { randomUUID } from 'node:crypto';
import type { Context, EventBridgeEvent, S3Event } from 'aws-lambda';
import { invokeLater } from '../aws/invoke.ts';
import { createDeploymentAnnouncer } from '../compose/announcer.ts';
import { readDailyLimit, readDeployment, readParameters } from '../compose/deployment.ts';
import { createDeploymentGate } from '../compose/gate.ts';
import { createDeploymentGenerations } from '../compose/generations.ts';
import { createDeploymentModels, readModelRules } from '../compose/known-models.ts';
import { createLazyInputs } from '../compose/lazy-inputs.ts';
import { lazyJson, lazyOverflow } from '../compose/lazy-objects.ts';
import { readInputBuckets } from '../compose/read-input-buckets.ts';
import { createDeploymentWiro } from '../compose/wiro-client.ts';
import { createPutEvents } from '../events/put-events.ts';
import { type KnownRequest, reportKnown } from '../events/report-known.ts';
import { receiveEvent } from '../intake/receive-event.ts';
import { receiveObject } from '../intake/receive-objects.ts';
import { PREFIX } from '../objects/prefix.ts';
import { createInputPresigner } from '../objects/presign-input.ts';
import type { ResultsPlace } from '../request/accepted-request.ts';
import { parsePresets } from '../request/preset.ts';
import { beginInvocation } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { ENV, readInputHandover, readTimeZone, requireEnv } from '../settings.ts';
import { createAttemptNotesStore } from '../store/attempt-notes.ts';
import { createDeliveryStore } from '../store/delivery-store.ts';
import { createUploadRefusals } from '../store/upload-refusals.ts';
import { createUploadStore } from '../store/upload-store.ts';
import type { Handover } from './bring-inputs.ts';
import { createRoom } from './room.ts';
import type { SubmitEnd } from './submit-deps.ts';
import { submitGeneration } from './submit-generation.ts';
import { submitInTurn } from './submit-in-turn.ts';

/** The event that other functions send: one generation to submit. */
export interface SubmitEvent {
  readonly submit: string;
}

// Built once per container: a warm start reuses the connections.
const deployment = readDeployment();
const { table, durations, clock } = deployment;
const parameters = readParameters(deployment);
const rules = readInputBuckets(process.env);
const { inputBucket, furtherBuckets } = rules;
const outputBucket = requireEnv(ENV.outputBucket);
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
const deps = {
  deployment: deployment.name,
  generations,
  notes,
  gate: createDeploymentGate(deployment, generations),
  wiro,
  inputs,
  memory,
  inputHandover,
  uploads: createUploadStore(table, { leaseMs: durations.markLease, keepMs: durations.uploadReuse }),
  knownModel: createDeploymentModels(deployment, wiro),
  ...readModelRules(),
  dailyLimit: readDailyLimit(deployment),
  deliveries: createDeliveryStore(table, {
    deployment: deployment.name,
    sameDropMs: durations.sameDrop,
    clock,
  }),
  parameters: () => parameters.get(),
  forgetParameters: () => parameters.forget(),
  announce: createDeploymentAnnouncer(deployment, { generations, notes, results: lazyJson }),
  putEvents: createPutEvents(requireEnv(ENV.eventBus)),
  collect: async (id: string) => invokeLater((await parameters.get()).callbackFunction, { collect: id }),
  submit: (id: string) =>
    invokeLater(requireEnv('AWS_LAMBDA_FUNCTION_NAME'), { submit: id } satisfies SubmitEvent),
  rejections: lazyJson,
  reportKnown: (place: Omit<ResultsPlace, 'index'>, known: readonly KnownRequest[]) =>
    reportKnown({ generations, results: lazyJson }, place, known),
  rules,
  // One that names an object which it may not is wrong for its own files, and for nothing else.
  presets: parsePresets(JSON.parse(process.env[ENV.presets] || '{}'), {
    inputBucket,
    furtherBuckets,
    anyBucket: true,
  }),
  outputBucket,
  outputPrefix: PREFIX.outputs,
  timeZone: readTimeZone(process.env),
  inputBucket,
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

export async function handler(
  event: SubmitEvent | S3Event | EventBridgeEvent<'Generation Requested', unknown>,
  context: Context,
): Promise<void> {
  beginInvocation(context);
  const remainingMs = () => context.getRemainingTimeInMillis();
  if ('submit' in event) {
    await submitInTurn({ ...deps, submitOne: (id) => submitOne(id, remainingMs), remainingMs }, event.submit);
    return;
  }
  if ('detail-type' in event) return receiveEvent(deps, event);
  // S3 sends a test event without records when the stack is deployed.
  const records = 'Records' in event && Array.isArray(event.Records) ? event.Records : [];
  let failure: { readonly error: unknown } | undefined;
  for (const record of records) {
    await receiveObject({ ...deps, remainingMs }, record).catch((error: unknown) => {
      logIgnored('S3 delivers the event again')(error);
      failure = { error };
    });
  }
  if (failure !== undefined) throw failure.error;
}
