import { PREFIX } from './objects/prefix.ts';
import type { ENV } from './settings.ts';

/**
 * The functions, what starts them and what they are told: the one description that the stack (`infra/`) and
 * the embedded environment (`local/`) both build from.
 */
export interface FunctionDescription {
  /** One sentence for whoever meets the function in a console. */
  readonly description: string;
  /** Main file, below `functions/`. Files that it imports lazily (`await import('./x.ts')`) become files beside it. */
  readonly entry: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** A Function URL, open to everyone (`public`) or to signed AWS requests (`iam`). */
  readonly url?: 'public' | 'iam';
  /** Objects created in the input bucket that start it. */
  readonly objectsCreated?: readonly ObjectsCreated[];
  /** Events on the deployment's bus that start it, by detail type. */
  readonly eventsPut?: readonly string[];
  /** Runs once a minute. */
  readonly everyMinute?: true;
  readonly environment: readonly (keyof typeof ENV)[];
}

/** Objects by their keys; `needs` names what a deployment must have for it. */
export interface ObjectsCreated {
  readonly prefix: string;
  readonly suffix: string;
  readonly needs?: 'presets';
}

/** The four Lambda functions that a deployment has. */
export type FunctionName = 'api' | 'submit' | 'callback' | 'reconcile';

/** How often Lambda delivers an asynchronous event to a function that fails. */
export const MOST_DELIVERIES = 3;

const EVERYWHERE = ['deployment', 'table', 'metricsNamespace', 'durations', 'durationDivisor'] as const;
const WIRO = ['parameterPath', 'secretArn', 'wiroApiUrl'] as const;
const ANNOUNCING = ['eventBus', 'inputBucket', 'outputBucket'] as const;

export const FUNCTIONS: Readonly<Record<FunctionName, FunctionDescription>> = {
  api: {
    description: 'Accepts generations and answers their records.',
    entry: 'api/handler.ts',
    memoryMb: 512,
    timeoutSeconds: 29,
    url: 'iam',
    environment: [
      ...EVERYWHERE,
      ...WIRO,
      'wiroSocketUrl',
      'inputBucket',
      'inputHandover',
      'furtherInputBuckets',
      'furtherModelKinds',
      'inputPrefixes',
      'outputBucket',
      'maximumGenerationsPerDay',
      'submitFunction',
    ],
  },
  submit: {
    description: 'Brings the inputs of a generation to Wiro and runs it; accepts request files put into S3.',
    entry: 'submit/handler.ts',
    memoryMb: 512,
    timeoutSeconds: 300,
    objectsCreated: [
      { prefix: PREFIX.requests, suffix: '.json' },
      { prefix: PREFIX.uploads, suffix: '', needs: 'presets' },
    ],
    eventsPut: ['Generation Requested'],
    environment: [
      ...EVERYWHERE,
      ...WIRO,
      ...ANNOUNCING,
      'inputHandover',
      'furtherInputBuckets',
      'furtherModelKinds',
      'inputPrefixes',
      'presets',
      'maximumGenerationsPerDay',
      'maximumConcurrency',
      'submitFunction',
    ],
  },
  callback: {
    description: 'Notes what Wiro calls back, and collects results: records them and copies outputs to S3.',
    entry: 'callback/handler.ts',
    memoryMb: 512,
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
    description: 'Once a minute, takes up whatever is due: lost events and callbacks do no harm.',
    entry: 'reconcile/handler.ts',
    memoryMb: 256,
    timeoutSeconds: 60,
    everyMinute: true,
    environment: [...EVERYWHERE, ...ANNOUNCING, 'maximumConcurrency', 'submitFunction', 'callbackFunction'],
  },
};
