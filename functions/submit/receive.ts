import type { EventBridgeEvent, S3Event } from 'aws-lambda';
import { type Deployment, readDailyLimit } from '../compose/deployment.ts';
import { readModelRules } from '../compose/known-models.ts';
import { lazyJson } from '../compose/lazy-objects.ts';
import { readInputBuckets } from '../compose/read-input-buckets.ts';
import { createPutEvents } from '../events/put-events.ts';
import { reportKnown } from '../events/report-known.ts';
import type { ReceiveObjectsDeps } from '../intake/receive-deps.ts';
import { type ReceiveEventDeps, receiveEvent } from '../intake/receive-event.ts';
import { receiveObject } from '../intake/receive-objects.ts';
import { PREFIX } from '../objects/prefix.ts';
import type { InputStore } from '../objects/types.ts';
import { parsePresets } from '../request/preset.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { ENV, readInputHandover, readTimeZone, requireEnv } from '../settings.ts';
import { createDeliveryStore } from '../store/delivery-store.ts';
import type { SubmitDeps } from './submit-deps.ts';

/** An event that may become generations. */
export type RequestEvent = S3Event | EventBridgeEvent<'Generation Requested', unknown>;

/** What submitting uses, too. */
export interface SharedDeps extends Pick<SubmitDeps, 'generations'> {
  readonly deployment: Deployment;
  readonly inputs: InputStore;
  readonly knownModel: ReceiveEventDeps['knownModel'];
  readonly submit: (id: string) => Promise<void>;
}

type Built = ReceiveEventDeps & Omit<ReceiveObjectsDeps, 'remainingMs'>;

let built: Built | undefined;

/** Accepts what an event requests. Builds its dependencies on first use. */
export async function receive(
  shared: SharedDeps,
  event: RequestEvent,
  remainingMs: () => number,
): Promise<void> {
  built ??= build(shared);
  const deps = built;
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

function build({ deployment, generations, ...shared }: SharedDeps): Built {
  const { name, table, durations, clock } = deployment;
  const rules = readInputBuckets(process.env);
  const { inputBucket, furtherBuckets } = rules;
  return {
    ...shared,
    deployment: name,
    generations,
    inputHandover: readInputHandover(process.env),
    ...readModelRules(),
    dailyLimit: readDailyLimit(deployment),
    deliveries: createDeliveryStore(table, { deployment: name, sameDropMs: durations.sameDrop, clock }),
    putEvents: createPutEvents(requireEnv(ENV.eventBus)),
    rejections: lazyJson,
    reportKnown: (place, known) => reportKnown({ generations, results: lazyJson }, place, known),
    rules,
    // One that names an object which it may not is wrong for its own files, and for nothing else.
    presets: parsePresets(JSON.parse(process.env[ENV.presets] || '{}'), {
      inputBucket,
      furtherBuckets,
      anyBucket: true,
    }),
    outputBucket: requireEnv(ENV.outputBucket),
    outputPrefix: PREFIX.outputs,
    timeZone: readTimeZone(process.env),
    inputBucket,
    durations,
    clock,
  };
}
