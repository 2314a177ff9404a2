import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { S3ServiceException } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { GenerationError } from '../../functions/generation/errors.ts';
import { InputAccessError, InputChangedError, UnlinkableKeyError } from '../../functions/objects/errors.ts';
import type { AcceptedObject, AcceptedRequest } from '../../functions/request/accepted-request.ts';
import { log } from '../../functions/runtime/log.ts';
import { createUploadRefusals } from '../../functions/store/upload-refusals.ts';
import { createUploadStore } from '../../functions/store/upload-store.ts';
import {
  type BringInputsDeps,
  bringInputs,
  freshSince,
  type Handover,
} from '../../functions/submit/bring-inputs.ts';
import { explainInputFailure, mayPass } from '../../functions/submit/explain-failure.ts';
import { createRoom } from '../../functions/submit/room.ts';
import { WiroError } from '../../functions/wiro/errors.ts';
import type { FileToSend } from '../../functions/wiro/types.ts';
import { at } from '../generation/examples.ts';
import { createMemoryTable } from '../store/memory-table.ts';
import { workWorld } from '../support/work-world.ts';

const PNG = '\x89PNG\r\n\x1a\n';
const UUID = '0b9fae8f-55d1-4b0f-8d2b-9a6f1a0c7f8e';

const warned = vi.spyOn(log, 'warn');
beforeEach(() => {
  warned.mockReset().mockReturnValue(undefined);
});

const refusal = new WiroError('refused', "Cannot call Wiro's File/Upload: it says: invalid-parameters", {
  code: 0,
  retryable: true,
  isRefusal: true,
});
const tooLarge = new WiroError('status', "Cannot call Wiro's File/Upload: it answered 413", { status: 413 });
const page = new WiroError('status', "Cannot call Wiro's File/Upload: it answered 403", {
  status: 403,
  retryable: true,
});
const unreachable = new WiroError('unreachable', 'Wiro is away');

type Answer = 'taken' | WiroError;

/** Objects in S3 by key, and a Wiro with a given answer to each upload. */
function handoverWorld(contents: Readonly<Record<string, string | Buffer>>) {
  const { items, pass, shared } = workWorld();
  const { durations, clock } = shared;
  const table = createMemoryTable(undefined, items);
  const uploaded: string[] = [];
  const read: string[] = [];
  const answers: {
    file: Answer;
    knownGood: Answer;
    beforeFile?: () => Promise<void>;
    onKnownGood?: () => void;
  } = { file: 'taken', knownGood: 'taken' };
  const store = createUploadStore(table, { leaseMs: 90_000, keepMs: durations.uploadReuse, clock });
  /** Holders that found another holder at the same upload. */
  const waiting = new Set<string>();
  const uploads: BringInputsDeps['uploads'] = {
    ...store,
    async claim(key, holder, notBefore) {
      const claim = await store.claim(key, holder, notBefore);
      if (claim.kind === 'theirs') waiting.add(holder);
      return claim;
    },
  };
  const upload = async ({ name, contentType, sizeBytes, open }: FileToSend) => {
    const isKnownGood = name === 'one-pixel.png';
    expect(await buffer(await open())).toHaveLength(sizeBytes);
    uploaded.push(isKnownGood ? 'known good' : `${name.replace(/^[0-9a-f]{32}/, '…')} ${contentType}`);
    const answer = isKnownGood ? answers.knownGood : answers.file;
    if (isKnownGood) answers.onKnownGood?.();
    else await answers.beforeFile?.();
    if (answer !== 'taken') throw answer;
    return { id: '1', name, url: `https://cdn.wiro.ai/${name}` };
  };
  const deps: BringInputsDeps & { memory: BringInputsDeps['memory'] } = {
    uploads,
    memory: createRoom(20),
    durations: { ...durations, uploadPoll: 1 },
    wiro: { upload },
    inputs: {
      async open({ key, etag }) {
        read.push(key);
        if (etag !== '"1"') throw new InputChangedError(`"${key}" changed`);
        const content = contents[key] ?? '';
        const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
        return Readable.from([bytes.subarray(0, 3), bytes.subarray(3)], { objectMode: false });
      },
    },
  };
  const presign = async ({ key, versionId }: AcceptedObject) => ({
    url: `https://s3/${key}?signed`,
    isPinned: versionId !== undefined,
  });
  const object = (key: string, more: Partial<AcceptedObject> = {}): AcceptedObject => ({
    kind: 'object',
    text: key,
    bucket: 'photos',
    key,
    etag: '"1"',
    sizeBytes: (contents[key] ?? '').length,
    ...more,
  });
  const room = createRoom(20);
  /** Acts as another container. */
  const openAuto = (opened = room.open()): Handover => ({
    kind: 'auto',
    presign,
    refusals: createUploadRefusals(table, { keepMs: durations.uploadsRefused, clock }),
    room: opened,
  });
  return {
    deps,
    pass,
    room,
    openAuto,
    presigned: { kind: 'presigned', presign } as Handover,
    uploaded,
    read,
    answers,
    object,
    waiting,
    bring: (
      inputs: AcceptedRequest['inputs'],
      handover?: Handover,
      notBefore = freshSince(undefined),
      holder = 'holder-1',
      generationId = 'generation-1',
    ) =>
      bringInputs(
        { ...deps, ...(handover && { handover }) },
        { inputs },
        { generationId, holder, notBefore, signal: new AbortController().signal },
      ),
  };
}

/** The error that a user reads, and whether the system tries again. */
const failure = (bringing: Promise<unknown>) =>
  bringing.then(
    () => 'brought',
    (error: unknown) => explainInputFailure(error),
  );

const sha = (content: string) =>
  createHash('sha256').update(Buffer.from(content, 'latin1')).digest('hex').slice(0, 32);

describe('the name of an upload', () => {
  it.each([
    ['a.PNG', undefined, PNG, '….png image/png'],
    ['a.jfif', 'application/octet-stream', 'any', '….jpg image/jpeg'],
    [UUID, 'image/webp', 'any', '….webp image/webp'],
    [UUID, 'binary/octet-stream', PNG, '….png image/png'],
    [UUID, undefined, 'A lighthouse at dusk', '….txt text/plain'],
  ])('of "%s" (%s) has an extension that Wiro takes', async (key, contentType, content, expected) => {
    const { bring, object, uploaded } = handoverWorld({ [key]: content });

    await bring({ image: [object(key, contentType === undefined ? {} : { contentType })] });

    expect(uploaded).toEqual([expected]);
  });

  it.each([
    ['scan.tif', 'II*\0', 'the object "scan.tif" is a .tif file, which Wiro does not accept: convert it'],
    [UUID, 'II*\0', `the object "${UUID}" is of the type image/tiff, which Wiro does not accept: convert it`],
    [UUID, '\x01\x02\x03\x04', `of which kind the object "${UUID}" is, neither its name nor its`],
  ])(
    'of "%s" cannot be found if Wiro does not take its kind: it fails at once',
    async (key, content, sentence) => {
      const { bring, object, uploaded } = handoverWorld({ [key]: content });

      expect(await failure(bring({ image: [object(key)] }))).toEqual({
        code: 'input_unsupported',
        message: expect.stringContaining(`inputs.image: ${sentence}`),
        field: 'inputs.image',
        retryable: false,
      });
      expect(uploaded).toEqual([]);
    },
  );
});

describe('an input that is uploaded', () => {
  const uses = async (world: ReturnType<typeof handoverWorld>) => {
    const reads: number[] = [];
    for (const generation of ['generation-1', 'generation-2', 'generation-3']) {
      world.read.length = 0;
      await world.bring({ image: [world.object('a.png')] }, undefined, undefined, generation, generation);
      reads.push(world.read.length);
    }
    return reads;
  };

  it('is read once, its second use reads it again, and all that follow read it no more', async () => {
    const world = handoverWorld({ 'a.png': PNG });

    expect(await uses(world)).toEqual([1, 1, 0]);
    expect(world.uploaded).toEqual(['….png image/png']);
  });

  it.each([
    ['of more than 8 MiB', Buffer.alloc(8 * 1024 * 1024 + 1), 9 * 1024 * 1024],
    ['for which there is no memory', Buffer.alloc(20), 20],
  ])('%s is read twice, and its first use notes it', async (_, content, memory) => {
    const world = handoverWorld({ 'a.png': content });
    world.deps.memory = createRoom(memory);

    expect(await uses(world)).toEqual([2, 0, 0]);
    expect(world.uploaded).toEqual(['….png image/png']);
  });

  it('is uploaded once, however often the request names it and its content', async () => {
    const { bring, object, uploaded } = handoverWorld({ 'a.png': PNG, 'copy.png': PNG, 'a.txt': PNG });
    const url = `https://cdn.wiro.ai/${sha(PNG)}.png`;

    const { files } = await bring({
      image: [object('a.png'), object('a.png'), object('copy.png')],
      other: [object('a.png')],
      text: [object('a.txt')],
    });

    expect(uploaded.sort()).toEqual(['….png image/png', '….txt text/plain']);
    expect(files).toEqual({
      image: [{ url }, { url }, { url }],
      other: [{ url }],
      text: [{ url: `https://cdn.wiro.ai/${sha(PNG)}.txt` }],
    });
  });

  it('gives its memory back, uploaded or not', async () => {
    const { bring, object, answers, read } = handoverWorld({ 'a.png': `${PNG}a`, 'b.png': `${PNG}b` });
    answers.file = unreachable;
    await failure(bring({ image: [object('a.png')] }));
    answers.file = 'taken';

    await bring({ image: [object('b.png')] });
    await bring({ image: [object('a.png')] });

    // Twice 9 bytes would not fit.
    expect(read).toEqual(['a.png', 'b.png', 'a.png']);
  });
});

describe('a file that Wiro refuses', () => {
  it('is refused for good if Wiro takes the known good file, and quotes Wiro', async () => {
    const { bring, object, uploaded, answers, openAuto } = handoverWorld({ 'a.png': PNG });
    answers.file = refusal;

    for (const handover of [openAuto(), undefined])
      expect(await failure(bring({ image: [object('a.png')] }, handover))).toEqual({
        code: 'upstream_refused',
        message:
          "Wiro refused inputs.image, but took another file at that time (Cannot call Wiro's File/Upload: it says: invalid-parameters). Nothing was run or charged: check that the file is complete and of the kind that its name says, and request it again.",
        field: 'inputs.image',
        retryable: false,
      });
    const refusedTwice = ['….png image/png', 'known good', '….png image/png'];
    expect(uploaded).toEqual([...refusedTwice, ...refusedTwice]);
  });

  it('because of a passing fault is uploaded after the known good file', async () => {
    const { bring, object, uploaded, answers } = handoverWorld({ 'a.png': PNG });
    answers.file = refusal;
    answers.onKnownGood = () => {
      answers.file = 'taken';
    };

    const { files } = await bring({ image: [object('a.png')] });

    expect(files.image).toEqual([{ url: `https://cdn.wiro.ai/${sha(PNG)}.png` }]);
    expect(uploaded).toEqual(['….png image/png', 'known good', '….png image/png']);
  });

  it('with 413 by a gateway is refused for good, too', async () => {
    const { bring, object, answers } = handoverWorld({ 'a.png': PNG });
    answers.file = tooLarge;

    expect(await failure(bring({ image: [object('a.png')] }))).toMatchObject({
      code: 'upstream_refused',
      retryable: false,
    });
  });

  it.each([
    ['Wiro is not reached', unreachable],
    ['a gateway answers for everything', page],
  ])('is tried again if nothing is proven: %s', async (_, knownGood) => {
    const { bring, object, answers, openAuto } = handoverWorld({ 'a.png': PNG });
    answers.file = tooLarge;
    answers.knownGood = knownGood;

    expect(await failure(bring({ image: [object('a.png')] }, openAuto()))).toMatchObject({
      code: 'upstream_unavailable',
      retryable: true,
    });
    expect(warned).not.toHaveBeenCalled();
  });

  it('is tried again without the known good file if a gateway refuses it', async () => {
    const { bring, object, uploaded, answers } = handoverWorld({ 'a.png': PNG });
    answers.file = page;

    expect(await failure(bring({ image: [object('a.png')] }))).toMatchObject({
      code: 'upstream_unavailable',
      retryable: true,
    });
    expect(uploaded).toEqual(['….png image/png']);
  });

  it.each(['file', 'knownGood'] as const)(
    'because of a low balance says so and is not tried again: by the %s',
    async (which) => {
      const { bring, object, answers, openAuto } = handoverWorld({ 'a.png': PNG });
      answers.file = refusal;
      answers[which] = new WiroError('insufficientBalance', 'it says: no balance', { code: 97 });

      const told = await bring({ image: [object('a.png')] }, openAuto()).catch(explainInputFailure);

      expect(told).toEqual({
        code: 'insufficient_balance',
        message:
          'The Wiro account has too little balance (it says: no balance). Nothing was run or charged: add funds at Wiro, then retry.',
        retryable: true,
      });
      expect(mayPass(told as GenerationError)).toBe(false);
      expect(warned).not.toHaveBeenCalled();
    },
  );
});

describe('an input that S3 refuses for good', () => {
  const denied = (name: string, message = 'Access Denied') =>
    new InputAccessError(
      { bucket: 'photos', key: 'a.png' },
      new S3ServiceException({ name, message, $fault: 'client', $metadata: { httpStatusCode: 403 } }),
    );

  it.each([
    ['AccessDenied', 'input_unreadable', 'grant its functions read access, then request it again'],
    [
      'KMS.DisabledException',
      'input_unreadable',
      "grant its functions the use of the object's encryption key",
    ],
    ['NoSuchBucket', 'input_unreadable', 'the bucket "photos" does not exist'],
    ['InvalidObjectState', 'input_archived', 'restore it, then request it again'],
  ])('fails at once with its cause: %s', async (name, code, remedy) => {
    const { deps, object } = handoverWorld({ 'a.png': PNG });
    const inputs = { open: () => Promise.reject(denied(name)) };

    const told = await bringInputs(
      { ...deps, inputs },
      { inputs: { image: [object('a.png')] } },
      {
        generationId: 'generation-1',
        holder: 'holder-1',
        notBefore: freshSince(undefined),
        signal: new AbortController().signal,
      },
    ).catch(explainInputFailure);

    expect(told).toEqual({
      code,
      message: expect.stringContaining(remedy),
      field: 'inputs.image',
      retryable: false,
    });
    expect(mayPass(told as GenerationError)).toBe(false);
  });
});

it('fails at once for a key to which no link leads', async () => {
  const { bring, object } = handoverWorld({ 'a/../b.png': PNG });
  const presign = () => Promise.reject(new UnlinkableKeyError('it would lead to another object'));

  const told = await failure(
    bring({ image: [object('a/../b.png')] }, { kind: 'presigned', presign } as Handover),
  );

  expect(told).toMatchObject({
    code: 'invalid_parameter',
    message: expect.stringContaining('copy it to another key'),
    field: 'inputs.image',
    retryable: false,
  });
});

describe('a project whose uploads Wiro refuses', () => {
  const refused = (contents: Readonly<Record<string, string | Buffer>>) => {
    const world = handoverWorld(contents);
    world.answers.file = refusal;
    world.answers.knownGood = refusal;
    return world;
  };

  it('gets files in the body of the Run, and every container remembers that for a day', async () => {
    const { bring, object, uploaded, openAuto, pass } = refused({ 'a.png': PNG });

    const brought = await bring({ image: [object('a.png')] }, openAuto());
    const again = await bring({ image: [object('a.png')] }, openAuto());
    const known = uploaded.splice(0);
    pass(86_400);
    await bring({ image: [object('a.png')] }, openAuto());

    const [image] = brought.files.image ?? [];
    if (image === undefined || !('file' in image)) throw new Error('It is no file');
    const { open, ...file } = image.file;
    expect(file).toEqual({ name: `${sha(PNG)}.png`, contentType: 'image/png', sizeBytes: 8 });
    expect((await buffer(await open())).toString('latin1')).toBe(PNG);
    expect(brought).toMatchObject({
      reused: false,
      otherwise: { by: 'multipart', isPinned: true },
      // One started megabyte.
      extraMs: 1_000,
    });
    expect(again.otherwise).toEqual({ by: 'multipart', isPinned: true });
    expect(known).toEqual(['….png image/png', 'known good']);
    expect(uploaded).toEqual(['….png image/png', 'known good']);
  });

  it('is known to all that waited for the same upload: only the first sends the file in vain', async () => {
    const { bring, object, uploaded, openAuto, answers, waiting } = refused({ 'a.png': PNG });
    const bringAs = (holder: string) =>
      bring({ image: [object('a.png')] }, openAuto(createRoom(20).open()), undefined, holder);
    const others: Promise<unknown>[] = [];
    answers.beforeFile = async () => {
      if (others.length > 0) return;
      others.push(...['b', 'c', 'd'].map(bringAs));
      while (waiting.size < 3) await new Promise(setImmediate);
    };

    const first = await bringAs('a');

    const multipart = { otherwise: { by: 'multipart' } };
    expect([first, ...(await Promise.all(others))]).toMatchObject([
      multipart,
      multipart,
      multipart,
      multipart,
    ]);
    expect(uploaded).toEqual(['….png image/png', 'known good']);
  });

  it('is reported once a day, by a log line and a metric', async () => {
    const { bring, object, openAuto, pass } = refused({ 'a.png': PNG, 'b.png': `${PNG}b` });
    const twice = async () => {
      await bring({ image: [object('a.png'), object('b.png')] }, openAuto());
      await bring({ image: [object('a.png')] }, openAuto());
    };

    await twice();
    const lines = warned.mock.calls.length;
    pass(86_401);
    await twice();

    expect(lines).toBe(1);
    expect(warned.mock.calls).toEqual([
      [
        expect.stringContaining("refuses this project's uploads"),
        { why: refusal.message },
        { UploadsRefused: 1 },
      ],
      [expect.anything(), expect.anything(), { UploadsRefused: 1 }],
    ]);
  });

  it('gets links once the files of one invocation would reach the limit together', async () => {
    const large = `${PNG}more`;
    const { bring, object, openAuto, room } = refused({ 'a.png': large, 'b.png': large });
    const [first, second, third] = [room.open(), room.open(), room.open()];

    const inBody = await bring({ image: [object('a.png')] }, openAuto(first));
    const beside = await bring(
      { image: [object('b.png')], style: [{ kind: 'url', text: 'u', url: 'https://u' }] },
      openAuto(second),
    );
    first.close();
    const later = await bring({ image: [object('b.png')] }, openAuto(third));

    expect(inBody.otherwise?.by).toBe('multipart');
    expect(beside).toEqual({
      files: { image: [{ url: 'https://s3/b.png?signed' }], style: [{ url: 'https://u' }] },
      reused: false,
      extraMs: 0,
      otherwise: { by: 'presigned', isPinned: false },
    });
    expect(later.otherwise?.by).toBe('multipart');
  });

  it('gets all files of a generation in one way, and notes whether all links name versions', async () => {
    const large = `${PNG}more`;
    const { bring, object, openAuto } = refused({ 'a.png': large, 'b.png': large });
    const versionId = 'v1';

    const pinned = await bring(
      { image: [object('a.png', { versionId }), object('b.png', { versionId })] },
      openAuto(),
    );
    const half = await bring({ image: [object('a.png', { versionId }), object('b.png')] }, openAuto());

    expect(pinned.otherwise).toEqual({ by: 'presigned', isPinned: true });
    expect(half.otherwise).toEqual({ by: 'presigned', isPinned: false });
  });

  it('fails before the Run if an input was replaced or is cut short', async () => {
    const { bring, object, openAuto } = refused({ 'a.png': PNG });
    await bring({ image: [object('a.png')] }, openAuto(createRoom(20).open()));

    expect(
      await failure(bring({ image: [object('a.png', { etag: '"2"' })] }, openAuto(createRoom(20).open()))),
    ).toMatchObject({
      code: 'input_changed',
      retryable: false,
    });
    expect(
      await failure(bring({ image: [object('a.png', { sizeBytes: 9 })] }, openAuto(createRoom(20).open()))),
    ).toMatchObject({
      code: 'internal_error',
      retryable: true,
    });
  });

  it('is an error for the user if the deployment has no other way, and is tried again, because it may be fixed', async () => {
    const { bring, object } = refused({ 'a.png': PNG });

    expect(await failure(bring({ image: [object('a.png')] }, { kind: 'upload' }))).toMatchObject({
      code: 'upstream_refused',
      message: expect.stringContaining('set inputHandover to "auto" or "presigned"'),
      retryable: true,
    });
  });

  it('costs no read for a request without objects', async () => {
    const { bring, openAuto, uploaded, read } = refused({});

    const brought = await bring({ image: [{ kind: 'url', text: 'u', url: 'https://u' }] }, openAuto());

    expect(brought).toEqual({ files: { image: [{ url: 'https://u' }] }, reused: false, extraMs: 0 });
    expect([uploaded, read]).toEqual([[], []]);
  });
});

describe('a rerun with fresh uploads', () => {
  it('uploads anew, or reads anew if uploads are refused by then; links are always new', async () => {
    const { bring, object, answers, uploaded, openAuto, presigned, pass } = handoverWorld({ 'a.png': PNG });
    await bring({ image: [object('a.png')] }, openAuto());
    const reused = await bring({ image: [object('a.png')] }, openAuto());
    pass(60);
    const endedAt = at(60);

    const fresh = await bring({ image: [object('a.png')] }, openAuto(), freshSince(endedAt));
    const uploads = uploaded.splice(0);
    Object.assign(answers, { file: refusal, knownGood: refusal });
    pass(60);
    const carried = await bring({ image: [object('a.png')] }, openAuto(), freshSince(at(120)));
    const linked = await bring({ image: [object('a.png')] }, presigned, freshSince(endedAt));

    expect(reused.files).toEqual(fresh.files);
    expect(uploads).toEqual(['….png image/png', '….png image/png']);
    expect([carried.otherwise?.by, carried.reused]).toEqual(['multipart', false]);
    expect(linked).toMatchObject({ files: { image: [{ url: 'https://s3/a.png?signed' }] }, reused: false });
    expect(linked).not.toHaveProperty('otherwise');
  });
});
