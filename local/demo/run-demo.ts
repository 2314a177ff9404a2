import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { LOCAL_CREDENTIALS } from '../aws/credentials.ts';
import { describeLog } from '../describe-log.ts';
import { type Endpoints, type Environment, startEnvironment } from '../environment.ts';
import type { WiroAccess } from '../wiro-access.ts';
import { createApiClient } from './api-client.ts';
import { followGeneration } from './follow-generation.ts';
import { keepOutputs } from './keep-outputs.ts';
import type { ProgressDisplay } from './progress-display.ts';
import type { DemoResult } from './record-summary.ts';

export interface DemoOptions {
  /** @default - the simulator */
  readonly wiro?: WiroAccess;
  readonly display: ProgressDisplay;
  /** Shows what the functions log on standard error. */
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
  // A Wiro outside cannot call a laptop back: look soon and often instead.
  look: 2_000,
  lookMax: 10_000,
  // Somebody sits and waits: a wrong key or a Wiro that cannot be reached should not take hours to be called one.
  retry: 1_000,
  retryMax: 5_000,
  patience: 45_000,
  unauthorizedPatience: 2_000,
  outputPatience: 45_000,
  outputRecheck: 3_000,
};
/** Tasks of a Wiro outside may wait for a GPU for a while. */
const LIMIT_MS = { simulator: 2 * 60_000, outside: 15 * 60_000 };

/** The main job, once, in an environment of its own that leaves nothing behind but copies of the images. */
export async function runDemo({ wiro, display, showLogs, signal }: DemoOptions): Promise<DemoResult> {
  display.line(
    wiro
      ? `Wiro: ${wiro.apiUrl} (what runs there is charged)`
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
    const api = createApiClient(environment.endpoints.api);
    const startedAt = Date.now();
    const { id } = await api.submit(GENERATION, signal);
    display.line(`Generation ${id} of ${GENERATION.model}`);
    const limitMs = wiro ? LIMIT_MS.outside : LIMIT_MS.simulator;
    const record = await followGeneration({ api, id, display, limitMs, signal });
    const files = await keepOutputs(record, path.join(COPIES, record.id), signal);
    return { record, files, tookMs: Date.now() - startedAt };
  } catch (error) {
    // Whatever broke because of Ctrl-C: Ctrl-C is what happened.
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
