import { createHash } from 'node:crypto';
import type { Generation, RequestOrigin, RunMark } from '../../functions/generation/generation.ts';
import { accept } from '../../functions/generation/transitions/accept.ts';
import {
  claimToCollect,
  collectLater,
  lookLater,
  readLater,
  rerun,
} from '../../functions/generation/transitions/collect.ts';
import { fail, succeed } from '../../functions/generation/transitions/end.ts';
import { noteLook, strikeOff } from '../../functions/generation/transitions/look.ts';
import { noteCallback } from '../../functions/generation/transitions/note-callback.ts';
import { requestCancel } from '../../functions/generation/transitions/request-cancel.ts';
import {
  claimToSubmit,
  joinLine,
  mark,
  noteSearch,
  requeue,
  startRunning,
} from '../../functions/generation/transitions/submit.ts';
import type { AcceptedRequest } from '../../functions/request/accepted-request.ts';
import { generationId } from '../../functions/request/identity.ts';
import { whenCollecting, whenHeld, whenSubmitting } from '../generation/when-held.ts';
import { picture } from '../support/pictures.ts';
import type { StoryWorld } from './story-world.ts';

/** What a generation was like when a release was replaced, told in the product's own steps. */
export type Story = (world: StoryWorld) => Promise<void>;

const idOf = (name: string) => generationId('local', 'api', `upgrade: ${name}`);
/** Stands for the task that Wiro made for a generation, until there is one. */
export const taskOf = (name: string) => ({ id: `task of ${name}`, token: `token of ${name}` });
/** Stands for the URL of the uploaded input. */
export const UPLOADED_URL = 'https://wiro.example/uploaded.png';

export const INPUT = { bucket: 'wiro-local-inputs', key: 'portrait.png', bytes: picture(7) };
const digest = (algorithm: string) => createHash(algorithm).update(INPUT.bytes).digest('hex');
const ETAG = `"${digest('md5')}"`;
const SHA256 = digest('sha256');

const TEXT: AcceptedRequest = {
  model: 'wiro/text-to-image',
  parameters: { prompt: 'A lighthouse' },
  inputs: {},
  labels: { order: '17' },
};
const IMAGE: AcceptedRequest = {
  ...TEXT,
  model: 'wiro/image-to-image',
  inputs: {
    inputImage: [
      {
        kind: 'object',
        text: INPUT.key,
        bucket: INPUT.bucket,
        key: INPUT.key,
        etag: ETAG,
        sizeBytes: INPUT.bytes.length,
        contentType: 'image/png',
      },
    ],
  },
};
const OUTPUT = {
  name: '0.png',
  bucket: 'wiro-local-outputs',
  contentType: 'image/png',
  sizeBytes: 70,
  sha256: '0'.repeat(64),
};
const setback = { code: 'upstream_unavailable', message: 'Wiro answered 503.' } as const;
const error = {
  code: 'model_failed',
  message: 'No face found.',
  field: 'inputs.inputImage',
  retryable: true,
} as const;

async function acceptOne(
  world: StoryWorld,
  name: string,
  request: AcceptedRequest = TEXT,
  { origin = 'api', outputFolder }: { origin?: RequestOrigin; outputFolder?: string } = {},
): Promise<Generation> {
  const given = {
    id: idOf(name),
    deployment: 'local',
    origin,
    model: request.model,
    requestHash: createHash('sha256').update(name).digest('hex'),
    ...(outputFolder && { outputFolder }),
  };
  return world.store.accept(accept(given, world.moment()), request);
}

/** Accepted and claimed, by a holder that is gone since. */
async function submitting(world: StoryWorld, name: string, request?: AcceptedRequest): Promise<void> {
  await acceptOne(world, name, request);
  await world.step(idOf(name), (g, now) => claimToSubmit(g, 'holder-1', now));
}

async function marked(world: StoryWorld, name: string): Promise<RunMark> {
  await submitting(world, name);
  const { run } = await world.step(idOf(name), (g, now) =>
    whenSubmitting(g, 'holder-1', (held) => mark(held, { reusedUploads: false }, now)),
  );
  return run ?? { startedAt: world.moment().now, reusedUploads: false, searches: 0 };
}

async function running(world: StoryWorld, name: string): Promise<void> {
  const run = await marked(world, name);
  await world.step(idOf(name), (g, now) => startRunning(g, run, 1, taskOf(name), now));
}

async function collecting(world: StoryWorld, name: string): Promise<void> {
  await running(world, name);
  await world.step(idOf(name), (g, now) => claimToCollect(g, 'holder-2', now));
}

const ACCOUNT = { taskEnd: 'succeeded', costUsd: 0.04, elapsedSeconds: 4 } as const;

async function succeeded(world: StoryWorld, name: string): Promise<void> {
  await collecting(world, name);
  const key = `outputs/${idOf(name)}/1/0-0.png`;
  const content = { prompt: 'A lighthouse' };
  await world.store.putOutputs(idOf(name), {
    attempt: 1,
    revision: 4,
    outputs: [{ ...OUTPUT, key, content }],
  });
  await world.step(idOf(name), (g, now) =>
    whenCollecting(g, 'holder-2', (held) => succeed(held, ACCOUNT, now)),
  );
}

const told = (world: StoryWorld, name: string) =>
  world.step(idOf(name), (g) =>
    strikeOff(
      g,
      g.announcements.map(({ eventId }) => eventId),
    ),
  );

/** One of every state, with whatever a state may carry; everything is in the hands of nobody any more. */
export const STORIES = {
  queued: async (world) => {
    await acceptOne(world, 'queued', IMAGE);
  },
  'queued-large': async (world) => {
    await acceptOne(world, 'queued-large', { ...TEXT, parameters: { prompt: 'x'.repeat(66_000) } });
  },
  'queued-from-file': async (world) => {
    const results = { bucket: INPUT.bucket, key: 'results/batch.json', index: 3 };
    await acceptOne(world, 'queued-from-file', { ...TEXT, results }, { origin: 's3' });
  },
  'queued-again': async (world) => {
    await submitting(world, 'queued-again');
    await world.step(idOf('queued-again'), (g, now) =>
      whenSubmitting(g, 'holder-1', (held) => requeue(held, setback, now)),
    );
  },
  rerun: async (world) => {
    const outputFolder = `outputs/portraits/anna.png-${idOf('rerun')}/`;
    await acceptOne(world, 'rerun', IMAGE, { origin: 's3', outputFolder });
    await world.step(idOf('rerun'), (g, now) => claimToSubmit(g, 'holder-1', now));
    const { run } = await world.step(idOf('rerun'), (g, now) =>
      whenSubmitting(g, 'holder-1', (held) => mark(held, { reusedUploads: true }, now)),
    );
    if (run === undefined) throw new Error('It was not marked');
    await world.step(idOf('rerun'), (g, now) => startRunning(g, run, 1, taskOf('rerun'), now));
    await world.step(idOf('rerun'), (g, now) => claimToCollect(g, 'holder-2', now));
    await world.step(idOf('rerun'), (g, now) =>
      whenCollecting(g, 'holder-2', (held) => rerun(held, error, now)),
    );
  },
  waiting: async (world) => {
    await submitting(world, 'waiting');
    await world.step(idOf('waiting'), (g, now) =>
      whenSubmitting(g, 'holder-1', (held) => joinLine(held, now.now, now)),
    );
  },
  submitting: async (world) => {
    await submitting(world, 'submitting');
  },
  /** Its Run was never sent. */
  marked: async (world) => {
    await marked(world, 'marked');
  },
  /** Its Run made a task, and the answer was lost; one search came too early. */
  'marked-ran': async (world) => {
    await marked(world, 'marked-ran');
    world.pass(95);
    await world.step(idOf('marked-ran'), (g, now) => claimToSubmit(g, 'holder-2', now));
    await world.step(idOf('marked-ran'), (g, now) =>
      whenSubmitting(g, 'holder-2', (held) => noteSearch(held, true, now)),
    );
  },
  /** The answer was lost, and the task has called back. */
  'marked-called-back': async (world) => {
    await marked(world, 'marked-called-back');
    await world.step(idOf('marked-called-back'), (g, now) =>
      noteCallback(g, 1, taskOf('marked-called-back').id, now),
    );
  },
  running: async (world) => {
    await running(world, 'running');
    await told(world, 'running');
  },
  /** Of a task that Wiro gave no token for; nobody was told that it runs, and it was looked at in vain. */
  'running-untold': async (world) => {
    const run = await marked(world, 'running-untold');
    const { id } = taskOf('running-untold');
    await world.step(idOf('running-untold'), (g, now) => startRunning(g, run, 1, { id }, now));
    world.pass(60);
    await world.step(idOf('running-untold'), (g, now) => noteLook(g, now));
  },
  /** Asked to stop, twice. */
  'running-stopping': async (world) => {
    await collecting(world, 'running-stopping');
    await world.step(idOf('running-stopping'), (g, now) => requestCancel(g, now));
    const { now: cancelSentAt } = world.moment();
    world.pass(15);
    const stop = { cancelSentAt, killSentAt: world.moment().now };
    await world.step(idOf('running-stopping'), (g, now) =>
      whenCollecting(g, 'holder-2', (held) => lookLater(held, { callbackKnown: undefined, stop }, now)),
    );
  },
  /** Read once without outputs. */
  'running-empty': async (world) => {
    await collecting(world, 'running-empty');
    await world.step(idOf('running-empty'), (g, now) =>
      whenCollecting(g, 'holder-2', (held) => readLater(held, now)),
    );
  },
  /** Its outputs were not to be had. */
  'running-troubled': async (world) => {
    await collecting(world, 'running-troubled');
    const trouble = { code: 'output_unavailable', message: 'The CDN answered 404.' } as const;
    await world.step(idOf('running-troubled'), (g, now) =>
      whenCollecting(g, 'holder-2', (held) => collectLater(held, trouble, now)),
    );
  },
  collecting: async (world) => {
    await collecting(world, 'collecting');
  },
  succeeded: async (world) => {
    await succeeded(world, 'succeeded');
    await told(world, 'succeeded');
  },
  'succeeded-untold': async (world) => {
    await succeeded(world, 'succeeded-untold');
  },
  'failed-untold': async (world) => {
    await collecting(world, 'failed-untold');
    await world.step(idOf('failed-untold'), (g, now) =>
      whenHeld(g, 'holder-2', (held) => fail(held, error, { ...ACCOUNT, taskEnd: 'failed' }, now)),
    );
  },
  'cancelled-untold': async (world) => {
    const url = 'https://photos.example/a.png';
    const inputs = { inputImage: [{ kind: 'url', text: url, url }] } as const;
    await acceptOne(world, 'cancelled-untold', { ...IMAGE, inputs });
    await world.step(idOf('cancelled-untold'), (g, now) => requestCancel(g, now));
  },
  /** Beside the generations: who runs and who waits, the input that Wiro has, a schema, a day's count. */
  others: async ({ gate, uploads, models, daily, pass }) => {
    const at = (name: string) =>
      ({ id: idOf(name), createdAt: FIRST, attempt: 1, revision: 2 }) as Generation;
    for (const name of ['running', 'collecting']) {
      await gate.take(at(name));
      await gate.noteRunEnd(at(name));
    }
    await gate.take(at('marked'));
    await gate.noteRefusal(at('waiting'), 3);
    pass(61);
    // One more than the limit, as a probe.
    await gate.take(at('marked-ran'));
    await gate.joinLine(at('waiting'));
    await uploads.noteContent({ ...INPUT, etag: ETAG }, SHA256);
    const upload = { sha256: SHA256, extension: 'png' };
    await uploads.claim(upload, 'holder-1', FIRST);
    await uploads.done(upload, UPLOADED_URL, idOf('running'));
    await uploads.claim({ sha256: '0'.repeat(64), extension: 'png' }, 'holder-1', FIRST);
    await models.put('wiro/unused', {
      kind: 'model',
      modelKind: 'plain',
      schema: { parameters: [] },
    });
    await daily.count(3, idOf('queued-from-file'));
  },
} satisfies Record<string, Story>;

export type StoryName = keyof typeof STORIES;
export const storyIdOf = (name: StoryName): string => idOf(name);

const FIRST = '2026-01-01T12:00:00.000Z';
