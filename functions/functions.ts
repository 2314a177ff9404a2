import { PREFIX } from './objects/prefix.ts';
import type { ENV } from './settings.ts';

/**
 * Describes a function, its triggers and its environment. Both the stack (`infra/`) and the local environment (`local/`)
 * build the functions from it.
 */
export interface FunctionDescription {
  /** One sentence, shown in the AWS console. */
  readonly description: string;
  /** The main file, relative to `functions/`. Lazy imports (`await import('./x.ts')`) become separate files. */
  readonly entry: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** A Function URL for everyone (`public`) or for signed AWS requests (`iam`). */
  readonly url?: 'public' | 'iam';
  /** New objects in the input bucket that invoke it. */
  readonly objectsCreated?: readonly ObjectsCreated[];
  /** Detail types of events on the deployment's bus that invoke it. */
  readonly eventsPut?: readonly string[];
  /** Runs once a minute. */
  readonly everyMinute?: true;
  readonly environment: readonly (keyof typeof ENV)[];
}

/** Selects objects by their keys. A suffix would leave objects unanswered, and S3 allows no other notification beside it. */
export interface ObjectsCreated {
  readonly prefix: string;
  /** In a bucket that the app brings, only a deployment with presets uses this prefix. */
  readonly isForPresets?: true;
}

/** The four Lambda functions of a deployment. */
export type FunctionName = 'api' | 'submit' | 'callback' | 'reconcile';

/** How many times Lambda delivers an asynchronous event to a failing function. */
export const MOST_DELIVERIES = 3;

const EVERYWHERE = [
  'deployment',
  'table',
  'metricsNamespace',
  'durations',
  'durationDivisor',
  'dueShards',
] as const;
const WIRO = ['parameterPath', 'secretArn', 'wiroApiUrl'] as const;
const ACCEPTING = [
  'inputHandover',
  'furtherInputBuckets',
  'furtherModelKinds',
  'models',
  'unknownParameters',
  'inputPrefixes',
  'maximumGenerationsPerDay',
] as const;
const ANNOUNCING = ['eventBus', 'inputBucket', 'outputBucket', 'usageLabels'] as const;

export const FUNCTIONS: Readonly<Record<FunctionName, FunctionDescription>> = {
  api: {
    description: 'Accepts generations and returns their records.',
    entry: 'api/handler.ts',
    memoryMb: 512,
    timeoutSeconds: 29,
    url: 'iam',
    environment: [
      ...EVERYWHERE,
      ...WIRO,
      'wiroSocketUrl',
      'inputBucket',
      ...ACCEPTING,
      'outputBucket',
      'submitFunction',
    ],
  },
  submit: {
    description: 'Transfers inputs to Wiro and runs generations. Accepts request files from S3.',
    entry: 'submit/handler.ts',
    memoryMb: 256,
    timeoutSeconds: 300,
    objectsCreated: [{ prefix: PREFIX.requests }, { prefix: PREFIX.uploads, isForPresets: true }],
    eventsPut: ['Generation Requested'],
    environment: [
      ...EVERYWHERE,
      ...WIRO,
      ...ANNOUNCING,
      ...ACCEPTING,
      'presets',
      'timeZone',
      'maximumConcurrency',
      'submitFunction',
    ],
  },
  callback: {
    description: 'Records callbacks from Wiro and collects results: copies outputs to S3.',
    entry: 'callback/handler.ts',
    // Copies peak at 96 to 154 MiB (`bench/results/memory.md`). More memory makes a copy faster, but not cheaper.
    memoryMb: 384,
    timeoutSeconds: 900,
    url: 'public',
    environment: [
      ...EVERYWHERE,
      ...WIRO,
      ...ANNOUNCING,
      'wiroOutputHosts',
      'maximumConcurrency',
      'maximumCollects',
      'submitFunction',
    ],
  },
  reconcile: {
    description: 'Runs once a minute and continues whatever is due, in case an event or a callback was lost.',
    entry: 'reconcile/handler.ts',
    memoryMb: 256,
    timeoutSeconds: 60,
    everyMinute: true,
    environment: [...EVERYWHERE, ...ANNOUNCING, 'maximumConcurrency', 'submitFunction', 'callbackFunction'],
  },
};
