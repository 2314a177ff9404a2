import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { ProgressDisplay } from '../../cli/progress-display.ts';
import { createClient } from '../../client/index.ts';
import { LOCAL_CREDENTIALS } from '../aws/credentials.ts';
import { describeLog } from '../describe-log.ts';
import { type Endpoints, type Environment, startEnvironment } from '../environment.ts';
import type { WiroAccess } from '../wiro-access.ts';
import { downloadOutputs } from './download-outputs.ts';
import { followGeneration } from './follow-generation.ts';
import type { DemoResult } from './record-summary.ts';

export interface DemoOptions {
  /** @default - the simulator */
  readonly wiro?: WiroAccess;
  readonly display: ProgressDisplay;
  /** Whether to print the functions' logs to standard error. */
  readonly showLogs: boolean;
  readonly signal: AbortSignal;
}

const ROOT = path.resolve(import.meta.dirname, '../..');
const PHOTOS = path.join(ROOT, 'examples', 'photos');
const COPIES = path.join(ROOT, '.local', 'demo');
const PHOTO_NAMES = ['astronaut.png', 'photographer.png'] as const;
const GENERATION = {
  model: 'wiro/story-maker-multi-character-consistency',
  parameters: {
    prompt: 'Two friends watch a rocket start at dawn, cinematic light',
    negativePrompt: 'blurry, distorted faces',
    width: 1024,
    height: 768,
    samples: 2,
  },
  inputs: { inputImage: PHOTO_NAMES[0], inputImage2: PHOTO_NAMES[1] },
};
const DURATIONS = {
  // A real Wiro cannot call back to this machine, so look at tasks soon and often.
  look: 2_000,
  lookMax: 10_000,
  // The user is waiting, so report a wrong key or an unreachable Wiro within a minute instead of hours.
  retry: 1_000,
  retryMax: 5_000,
  patience: 45_000,
  unauthorizedPatience: 2_000,
  outputPatience: 45_000,
  outputRecheck: 3_000,
};
/** Tasks at a real Wiro may wait for a GPU. */
const LIMIT_MS = { simulator: 2 * 60_000, real: 15 * 60_000 };

/** Runs one generation in a temporary environment. Only the copies of the images remain. */
export async function runDemo({ wiro, display, showLogs, signal }: DemoOptions): Promise<DemoResult> {
  display.line(
    wiro
      ? `Wiro: ${wiro.apiUrl} (Wiro charges for tasks)`
      : 'Wiro: the built-in simulator (nothing is charged)',
  );
  display.progress('starting the environment');
  let environment: Environment | undefined;
  try {
    environment = await startEnvironment({
      ...(wiro && { wiro }),
      durations: DURATIONS,
      scheduleMs: 2_000,
      ...(showLogs && { onLog: (log) => console.error(describeLog(log)) }),
      signal,
    });
    await putPhotos(environment.endpoints, signal);
    const client = createClient({ url: environment.endpoints.api });
    const startedAt = Date.now();
    const { id } = await client.submit(GENERATION, { signal });
    display.line(`Generation ${id} of ${GENERATION.model}`);
    const limitMs = wiro ? LIMIT_MS.real : LIMIT_MS.simulator;
    const record = await followGeneration({ client, id, display, limitMs, signal });
    const files = await downloadOutputs(client, record, path.join(COPIES, record.id), signal);
    return { record, files, tookMs: Date.now() - startedAt, isSimulated: wiro === undefined };
  } catch (error) {
    // An error after Ctrl-C is a consequence of it.
    signal.throwIfAborted();
    throw error;
  } finally {
    await environment?.stop();
  }
}

async function putPhotos({ s3, region, inputBucket }: Endpoints, abortSignal: AbortSignal): Promise<void> {
  const client = new S3Client({ endpoint: s3, region, credentials: LOCAL_CREDENTIALS, forcePathStyle: true });
  try {
    for (const name of PHOTO_NAMES)
      await client.send(
        new PutObjectCommand({
          Bucket: inputBucket,
          Key: name,
          Body: await readFile(path.join(PHOTOS, name)),
          ContentType: 'image/png',
        }),
        { abortSignal },
      );
  } finally {
    client.destroy();
  }
}
