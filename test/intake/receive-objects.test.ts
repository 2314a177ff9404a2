import { S3ServiceException } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { InputAccessError } from '../../functions/objects/errors.ts';
import { BUCKET, doorWorld } from './door-world.ts';

const PHOTO = 'uploads/portraits/a.png';
const away = () => new Error('SlowDown');

/** The results in the folders of outputs, by status. */
const resultsIn = ({ written }: ReturnType<typeof doorWorld>) =>
  [...written].filter(([key]) => key.endsWith('/result.json')).map(([, value]) => value);

describe('a dropped file', () => {
  it('that was created empty and filled before its events came is run once, without a result for the empty one', async () => {
    const world = doorWorld();
    const events = [world.put(PHOTO, ''), world.put(PHOTO, 'the photo')];

    for (const event of events) await world.deliver(event);

    expect(world.accepted()).toHaveLength(1);
    expect(world.written.size).toBe(0);
    const [id = ''] = world.accepted();
    expect((await world.request(id))?.inputs.inputImage).toMatchObject([{ sizeBytes: 9 }]);
  });

  it.each([
    ['in their order', [0, 1, 2]],
    ['in another', [2, 0, 1]],
    ['each twice', [1, 1, 2, 0, 2, 0]],
  ])(
    'that a gateway wrote as a stub, its data and a copy for the metadata is run once, its events %s',
    async (_, order) => {
      const world = doorWorld();
      const events = [
        world.put(PHOTO, 'stub', { checksum: 'CRC32:s' }),
        world.put(PHOTO, 'the photo', { checksum: 'CRC32:p', etag: 'part-2' }),
        // The first put had parts, and this one has none. So the same bytes have another ETag.
        world.put(PHOTO, 'the photo', { checksum: 'CRC32:p', etag: 'whole' }),
      ];

      for (const event of order.flatMap((index) => events.slice(index, index + 1)))
        await world.deliver(event);

      expect(world.accepted()).toHaveLength(1);
      expect(new Set(world.submitted)).toEqual(new Set(world.accepted()));
    },
  );

  it('that is copied after it was accepted is found by each of its events', async () => {
    const world = doorWorld();
    const data = world.put(PHOTO, 'the photo', { checksum: 'CRC32:p', etag: 'part-2' });
    await world.deliver(data);
    const copy = world.put(PHOTO, 'the photo', { checksum: 'CRC32:p', etag: 'whole' });
    await world.deliver(copy);
    // The event is redelivered from the dead letters after the object was replaced or deleted.
    world.objects.clear();
    await world.deliver(data);
    await world.deliver(copy);

    const [id = '', ...others] = world.accepted();
    expect(others).toEqual([]);
    expect(world.submitted).toEqual([id, id, id, id]);
  });

  it('that is still a stub when its event is handled is run as a stub', async () => {
    const world = doorWorld();
    await world.deliver(world.put(PHOTO, 'stub'));
    await world.deliver(world.put(PHOTO, 'the photo'));

    expect(world.accepted()).toHaveLength(2);
  });

  it.each([
    [300, 1],
    [301, 2],
  ])(
    'put again with the same bytes %i seconds later is %i by the events’ own times',
    async (seconds, count) => {
      const world = doorWorld();
      await world.deliver(world.put(PHOTO, 'the photo', { at: 0 }));
      await world.deliver(world.put(PHOTO, 'the photo', { at: seconds }));

      expect(world.accepted()).toHaveLength(count);
    },
  );

  it('put again under another name, or with other bytes, is another drop', async () => {
    const world = doorWorld();
    await world.deliver(world.put(PHOTO, 'the photo'));
    await world.deliver(world.put('uploads/portraits/b.png', 'the photo'));
    await world.deliver(world.put(PHOTO, 'another photo'));

    expect(world.accepted()).toHaveLength(3);
  });

  it('in a versioned bucket is run only in the version of its event', async () => {
    const world = doorWorld();
    const first = world.put(PHOTO, 'one', { versionId: 'v1' });
    // It was put again: the ETag is the same, the version is another.
    const second = world.put(PHOTO, 'one', { versionId: 'v2' });
    await world.deliver(first);
    expect(world.accepted()).toEqual([]);
    await world.deliver(second);

    const [id = ''] = world.accepted();
    expect((await world.request(id))?.inputs.inputImage).toMatchObject([{ versionId: 'v2' }]);
  });

  it('is run as it was when its event was handled; a replacement has an event of its own', async () => {
    const world = doorWorld();
    const event = world.put(PHOTO, 'one');
    const { head } = world.deps.inputs;
    let isReplaced = false;
    world.deps.inputs.head = async (ref) => {
      const found = await head(ref);
      if (!isReplaced) world.put(PHOTO, 'other');
      isReplaced = true;
      return found;
    };
    await world.deliver(event);

    const [id = ''] = world.accepted();
    expect((await world.request(id))?.inputs.inputImage).toMatchObject([{ sizeBytes: 3 }]);
  });

  it('that S3 refuses permanently is answered with the cause', async () => {
    const world = doorWorld();
    const refusal = { name: 'AccessDenied', message: 'not authorized to perform: kms:Decrypt' };
    world.faults.head = (key) =>
      new InputAccessError(
        { bucket: BUCKET, key },
        new S3ServiceException({ ...refusal, $fault: 'client', $metadata: {} }),
      );
    await world.deliver(world.put(PHOTO, 'the photo'));

    expect(resultsIn(world)).toMatchObject([{ status: 'rejected', error: { code: 'input_unreadable' } }]);
    expect(resultsIn(world)).toMatchObject([{ message: expect.stringContaining('kms:Decrypt') }]);
  });

  it('that is archived is answered with the remedy, and nothing is run', async () => {
    const world = doorWorld();
    const event = world.put(PHOTO, 'the photo');
    const dropped = world.objects.get(PHOTO);
    if (dropped) world.objects.set(PHOTO, { ...dropped, found: { ...dropped.found, isArchived: true } });

    await world.deliver(event);

    expect(resultsIn(world)).toMatchObject([{ status: 'rejected', error: { code: 'input_archived' } }]);
    expect(resultsIn(world)).toMatchObject([
      { message: expect.stringContaining('restore it, then request it again') },
    ]);
    expect([world.accepted(), world.submitted]).toEqual([[], []]);
  });

  it('of a preset with an input that cannot be read is answered, and the others go on', async () => {
    const world = doorWorld();
    await world.deliver(world.put('uploads/stolen/a.png', 'x'));

    expect(resultsIn(world)).toMatchObject([{ status: 'rejected', error: { code: 'input_not_allowed' } }]);
  });

  it('that cannot be accepted with its last delivery is answered, and never run', async () => {
    const world = doorWorld();
    const event = world.put(PHOTO, 'the photo');
    world.faults.head = away;

    expect(await world.deliverUpToThrice(() => world.deliver(event))).toBe(3);
    expect(resultsIn(world)).toMatchObject([{ status: 'rejected', error: { code: 'internal_error' } }]);
    world.faults.head = undefined;
    await world.deliver(event);
    expect(world.accepted()).toEqual([]);
  });

  it('that was accepted is never rejected, whatever its later deliveries meet', async () => {
    const world = doorWorld();
    const event = world.put(PHOTO, 'the photo');
    await world.deliver(event);
    world.faults.head = away;
    for (let times = 0; times < 4; times += 1) await world.deliver(event);

    expect(world.written.size).toBe(0);
    expect(world.accepted()).toHaveLength(1);
  });

  it('is not answered while the table does not answer, because it may have been accepted', async () => {
    const world = doorWorld();
    const event = world.put(PHOTO, 'the photo');
    world.faults.table = true;
    expect(await world.deliverUpToThrice(() => world.deliver(event))).toBe(3);
    expect(world.written.size).toBe(0);

    world.faults.table = false;
    await world.deliver(event);
    expect(world.accepted()).toHaveLength(1);
  });
});

describe('the folder of a dropped file', () => {
  const folderOf = async (world: ReturnType<typeof doorWorld>) =>
    (await world.generation(world.accepted()[0] ?? ''))?.outputFolder;

  it('is named at acceptance by the local time, the name and the id, and stays', async () => {
    const world = doorWorld();
    const event = world.put('uploads/portraits/Shooting/Größe 1.PNG', 'x');
    await world.deliver(event);
    const folder = await folderOf(world);

    // 12:00:01 UTC in Berlin, in winter.
    const [id = ''] = world.accepted();
    expect(folder).toBe(`outputs/portraits/20260101T130001-Shooting-Größe-1.png-${id.slice(0, 6)}/`);
    world.deps.timeZone = 'Asia/Tokyo';
    await world.deliver(event);
    expect(await folderOf(world)).toBe(folder);
  });

  it('has the reason for a person too, if the file is not used', async () => {
    const world = doorWorld();
    await world.deliver(world.put('uploads/<b>nobody/a"b.png', 'x'));

    const [[key, html] = ['', '']] = world.pages;
    expect(key).toMatch(/^outputs\/b-nobody\/20260101T130001-a-b\.png-[a-z2-7]{6}\/result\.html$/);
    expect(html).toContain('This file was not used, and nothing was charged.');
    expect(html).toContain('&lt;b&gt;nobody');
    expect(html).not.toContain('<b>');
    expect([...world.written.keys()]).toEqual([key.replace('html', 'json')]);
  });
});

describe('a request file', () => {
  const FILE = 'requests/batch.json';
  const REJECTED = 'rejected/batch.json';
  const one = (over: object = {}) => ({ model: 'wiro/flux', parameters: { prompt: 'x' }, ...over });

  it('that was replaced before its event came is left to the event of its replacement', async () => {
    const world = doorWorld();
    const events = [world.put(FILE, ''), world.put(FILE, JSON.stringify([one(), one()]))];
    for (const event of events) await world.deliver(event);

    expect(world.accepted()).toHaveLength(2);
    expect(world.written.size).toBe(0);
  });

  it('put again with the same bytes within the window is the same drop; later, it is another', async () => {
    const world = doorWorld();
    for (const seconds of [0, 10, 400])
      await world.deliver(
        world.put(FILE, JSON.stringify([one(), one()]), {
          at: seconds,
          etag: `e${seconds}`,
          checksum: 'CRC32:f',
        }),
      );

    expect(world.accepted()).toHaveLength(4);
  });

  it('that was rejected can be put again unchanged once its missing input exists', async () => {
    const world = doorWorld();
    const text = JSON.stringify(one({ inputs: { image: 'in.png' } }));
    await world.deliver(world.put(FILE, text));
    expect(world.written.get(REJECTED)).toMatchObject({ errors: [{ code: 'input_not_found' }] });

    world.put('in.png', 'x');
    await world.deliver(world.put(FILE, text));
    await world.deliver(world.put(FILE, text));

    expect(world.accepted()).toHaveLength(1);
  });

  it.each([
    ['no UTF-8', Buffer.from([0x22, 0xfc, 0x22]), 'invalid_request'],
    ['half a character', JSON.stringify(one({ parameters: { prompt: '\ud800' } })), 'invalid_parameter'],
  ])('of %s is rejected', async (_, content, code) => {
    const world = doorWorld();
    const event = world.put(FILE, 'x');
    const object = world.objects.get(FILE);
    if (object) world.objects.set(FILE, { ...object, bytes: Buffer.from(content) });
    await world.deliver(event);

    expect(world.written.get(REJECTED)).toMatchObject({ errors: [{ code }] });
  });

  it('with one accepted request, and another whose input is gone before the next delivery, is not rejected', async () => {
    const world = doorWorld();
    world.put('a.png', 'a');
    world.put('b.png', 'b');
    const event = world.put(
      FILE,
      JSON.stringify([
        one({ inputs: { image: 'a.png' } }),
        one({ inputs: { image: 'b.png' } }),
        one({ inputs: { image: 'b.png' }, idempotencyKey: 'k' }),
      ]),
    );
    const { accept } = world.deps.generations;
    let accepts = 0;
    world.deps.generations.accept = async (generation, request) => {
      accepts += 1;
      if (accepts > 1) throw new Error('throttled');
      return accept(generation, request);
    };
    await expect(world.deliver(event)).rejects.toThrow('throttled');
    expect(world.accepted()).toHaveLength(1);

    world.deps.generations.accept = accept;
    world.objects.delete('b.png');
    await world.deliver(event);
    await world.deliver(event);

    expect(world.written.get(REJECTED)).toBeUndefined();
    const generations = await Promise.all(world.accepted().map((id) => world.generation(id)));
    expect(generations.map((each) => each?.status).sort()).toEqual(['failed', 'failed', 'queued']);
    for (const each of generations.filter((some) => some?.status === 'failed'))
      expect(each).toMatchObject({
        error: { code: 'input_not_found' },
        announcements: [{ type: 'Failed' }],
      });
    const places = await Promise.all(world.accepted().map((id) => world.request(id)));
    expect(places.map((request) => request?.results?.index).sort()).toEqual([0, 1, 2]);
  });

  it('has a results file for each put, which counts its generations', async () => {
    const world = doorWorld();
    await world.deliver(world.put(FILE, JSON.stringify([one(), one({ idempotencyKey: 'k' })]), { at: 5 }));
    await world.deliver(world.put(FILE, JSON.stringify(one()), { at: 65 }));

    const places = await Promise.all(world.accepted().map(async (id) => (await world.request(id))?.results));

    const keyOf = (index: number) => places[index]?.key;
    expect(places).toMatchObject([
      { index: 0, total: 2 },
      { index: 1, total: 2 },
      { index: 0, total: 1 },
    ]);
    expect(keyOf(0)).toMatch(/^results\/batch\.json\/2026-01-01T12-00-05Z-[a-z2-7]{26}\.json$/);
    expect(keyOf(1)).toBe(keyOf(0));
    expect(keyOf(2)).toMatch(/^results\/batch\.json\/2026-01-01T12-01-05Z-[a-z2-7]{26}\.json$/);
  });

  it('says in its results file which of its requests an earlier file brought', async () => {
    const world = doorWorld();
    await world.deliver(world.put(FILE, JSON.stringify([one({ idempotencyKey: 'k' })])));
    const [id = ''] = world.accepted();

    await world.deliver(world.put(FILE, JSON.stringify([one(), one({ idempotencyKey: 'k' })]), { at: 65 }));

    const [[key, known] = []] = world.knownIn;
    expect(key).toMatch(/^results\/batch\.json\/2026-01-01T12-01-05Z-/);
    expect(known).toEqual([{ id, index: 1 }]);
    expect(world.knownIn.size).toBe(1);
  });

  it('that is corrected loses the rejection of its earlier put, and no other', async () => {
    const world = doorWorld();
    world.written.set('rejected/other.json', {});
    world.written.set('outputs/portraits/a-x/result.json', {});
    await world.deliver(world.put(FILE, '{"model":'));
    expect(world.written.get(REJECTED)).toMatchObject({
      request: 's3://photos/requests/batch.json',
      message: expect.stringMatching(/^Nothing of this file was run or charged\. .* put the file again\.$/),
    });

    await world.deliver(world.put(FILE, JSON.stringify(one())));

    expect([...world.written.keys()]).toEqual(['rejected/other.json', 'outputs/portraits/a-x/result.json']);
    expect(world.accepted()).toHaveLength(1);
  });

  it('that is accepted leaves the rejection of a file whose name lacks only .json', async () => {
    const { deps, deliver, put, written } = doorWorld();
    await deliver(put('requests/story', 'no request'));
    await deliver(put('requests/story.json', '{"model": "wiro/flux"}'));

    expect(written.get('rejected/story.json')).toMatchObject({
      request: `s3://${deps.inputBucket}/requests/story`,
    });
  });

  it('that is rejected while an earlier put of it is still being accepted keeps its rejection', async () => {
    const world = doorWorld();
    const event = world.put(FILE, JSON.stringify(one()));
    const { accept } = world.deps.generations;
    world.deps.generations.accept = async (generation, request) => {
      const later = world.put(FILE, '{"model":');
      world.deps.generations.accept = accept;
      await world.deliver(later);
      return accept(generation, request);
    };

    await world.deliver(event);

    expect(world.accepted()).toHaveLength(1);
    expect(world.written.get(REJECTED)).toMatchObject({ errors: [{ code: 'invalid_request' }] });
  });

  it('keeps no rejection if its replacement was accepted before the rejection was written', async () => {
    const world = doorWorld();
    const event = world.put(FILE, '{"model":');
    const { update } = world.deps.rejections;
    world.deps.rejections.update = async (ref, change) => {
      world.deps.rejections.update = update;
      await world.deliver(world.put(FILE, JSON.stringify(one())));
      await update(ref, change);
    };

    await world.deliver(event);

    expect(world.accepted()).toHaveLength(1);
    expect([...world.written.keys()]).toEqual([]);
  });

  it('keeps no rejection of a killed delivery once its replacement was accepted', async () => {
    const world = doorWorld();
    const event = world.put(FILE, '{"model":');
    const { update, remove } = world.deps.rejections;
    world.deps.rejections.update = async (ref, change) => {
      world.deps.rejections.update = update;
      await world.deliver(world.put(FILE, JSON.stringify(one())));
      await update(ref, change);
    };
    world.deps.rejections.remove = () => Promise.reject(new Error('S3 is away'));

    await expect(world.deliver(event)).rejects.toThrow('S3 is away');
    world.deps.rejections.remove = remove;
    await world.deliver(event);

    expect([...world.written.keys()]).toEqual([]);
  });

  it('that is rejected late keeps the rejection of its replacement', async () => {
    const world = doorWorld();
    const event = world.put(FILE, '{"model":');
    const { update } = world.deps.rejections;
    world.deps.rejections.update = async (ref, change) => {
      world.deps.rejections.update = update;
      await world.deliver(world.put(FILE, JSON.stringify([one(), { model: 7 }])));
      await update(ref, change);
    };

    await world.deliver(event);

    expect(world.written.get(REJECTED)).toMatchObject({ errors: [{ field: '[1].model' }] });
  });

  it('removes no rejection that was written after its look', async () => {
    const world = doorWorld();
    await world.deliver(world.put(FILE, '{"model":'));
    const { remove } = world.deps.rejections;
    world.deps.rejections.remove = async (ref, etag) => {
      world.deps.rejections.remove = remove;
      await world.deliver(world.put(FILE, JSON.stringify([one(), { model: 7 }])));
      return remove(ref, etag);
    };

    await world.deliver(world.put(FILE, JSON.stringify(one())));

    expect(world.accepted()).toHaveLength(1);
    expect(world.written.get(REJECTED)).toMatchObject({ errors: [{ field: '[1].model' }] });
  });

  it('and one of the same name without ".json" are both answered, until each is accepted', async () => {
    const [file, bare] = ['requests/batch.json', 'requests/batch'];
    const beside = expect.stringMatching(/^rejected\/batch~[\da-f]{8}\.json$/);
    const world = doorWorld();
    const answered = () =>
      [...world.written]
        .map(([key, value]) => [key, (value as { request: string }).request])
        .toSorted(([one = ''], [other = '']) => (one < other ? -1 : 1));
    const reject = (key: string) => world.deliver(world.put(key, '{"model":'));
    const accept = (key: string) => world.deliver(world.put(key, JSON.stringify(one())));

    await reject(file);
    await reject(bare);
    await reject(bare);
    const both = answered();
    await accept(file);
    const left = answered();
    await reject(bare);
    const usual = answered();
    await reject(file);
    const swapped = answered();
    await accept(file);
    await accept(bare);

    expect(both).toEqual([
      [REJECTED, `s3://${BUCKET}/${file}`],
      [beside, `s3://${BUCKET}/${bare}`],
    ]);
    expect(left).toEqual([[beside, `s3://${BUCKET}/${bare}`]]);
    expect(usual).toEqual([[REJECTED, `s3://${BUCKET}/${bare}`]]);
    expect(swapped).toEqual([
      [REJECTED, `s3://${BUCKET}/${bare}`],
      [beside, `s3://${BUCKET}/${file}`],
    ]);
    expect(answered()).toEqual([]);
  });

  it('is accepted even if its older rejection cannot be removed', async () => {
    const world = doorWorld();
    await world.deliver(world.put(FILE, '{'));
    world.deps.rejections.remove = async () => Promise.reject(new Error('denied'));

    await world.deliver(world.put(FILE, JSON.stringify(one())));

    expect(world.submitted).toHaveLength(1);
  });

  it.each([
    [
      'a photo',
      Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46]),
      'of the type image/jpeg',
    ],
    ['a PNG', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0xff]), 'of the type image/png'],
    ['text in UTF-16', Buffer.from('\ufeff{"ü": 1}', 'utf16le'), 'text in UTF-16: save it'],
    ['text in Latin-1', Buffer.from('{"model": "für"}', 'latin1'), 'not JSON in UTF-8: save it'],
    ['CSV', Buffer.from('model,prompt\nwiro/flux,x\n'), 'looks like CSV'],
    [
      'broken JSON',
      Buffer.from('{"model": "wiro/flux",\n}'),
      'expected a name in double quotes at line 2, column 1, but found "}"',
    ],
  ])('that is %s is rejected with that reason', async (_, bytes, part) => {
    const world = doorWorld();
    const event = world.put(FILE, 'x');
    const object = world.objects.get(FILE);
    if (object) world.objects.set(FILE, { ...object, bytes });

    await world.deliver(event);

    expect(world.written.get(REJECTED)).toMatchObject({
      errors: [{ code: 'invalid_request', message: expect.stringContaining(part) }],
    });
  });

  it('says how many errors there are if it does not list all', async () => {
    const world = doorWorld();
    await world.deliver(world.put(FILE, JSON.stringify(Array.from({ length: 300 }, () => 7))));

    expect(world.written.get(REJECTED)).toMatchObject({ errorsTotal: 300 });
  });

  it('that is deleted while it is being accepted is answered for the rest', async () => {
    const world = doorWorld();
    const event = world.put(FILE, JSON.stringify([one(), one()]));
    const { accept } = world.deps.generations;
    let accepts = 0;
    world.deps.generations.accept = async (generation, request) => {
      accepts += 1;
      if (accepts > 1) throw new Error('throttled');
      return accept(generation, request);
    };
    await expect(world.deliver(event)).rejects.toThrow('throttled');
    world.deps.generations.accept = accept;
    world.objects.delete(FILE);
    await world.deliver(event);

    expect(world.written.get(REJECTED)).toMatchObject({
      errors: [
        { code: 'input_changed', message: expect.stringContaining('The requests in its results file run') },
      ],
    });
  });

  it('that cannot be accepted with its last delivery is answered, and never run', async () => {
    const world = doorWorld();
    const event = world.put(FILE, JSON.stringify(one()));
    world.faults.head = away;
    expect(await world.deliverUpToThrice(() => world.deliver(event))).toBe(3);
    expect(world.written.get(REJECTED)).toMatchObject({ errors: [{ code: 'internal_error' }] });

    world.faults.head = undefined;
    await world.deliver(event);
    expect(world.accepted()).toEqual([]);
  });

  it('is not started with too little time left', async () => {
    const world = doorWorld();
    world.deps.remainingMs = () => 5_000;
    await expect(world.deliver(world.put(FILE, JSON.stringify(one())))).rejects.toThrow('No time is left');
    expect(world.accepted()).toEqual([]);
  });
});

describe('a request file in CSV', () => {
  const FILE = 'requests/castles.csv';
  const REJECTED = 'rejected/castles.csv.json';
  const schema = {
    parameters: [
      { id: 'prompt', type: 'text', required: false },
      { id: 'steps', type: 'number', required: false, min: 1, max: 50 },
      { id: 'inputImage', type: 'fileinput', required: false },
    ],
  };
  const csvWorld = () =>
    doorWorld({ knownModel: async () => ({ kind: 'model' as const, schema, modelKind: 'plain' as const }) });
  const requests = async (world: ReturnType<typeof doorWorld>) => {
    const all = await Promise.all(world.accepted().map((id) => world.request(id)));
    return all.sort((a, b) => (a?.results?.index ?? 0) - (b?.results?.index ?? 0));
  };

  it.each([
    [
      'commas',
      'model,prompt,steps,inputImage,label.order\r\nwiro/flux,"A ""tall"", old\r\ncastle",20,in.png,17\r\n',
    ],
    [
      'semicolons and a mark at its beginning, as Excel writes it',
      '\ufeffmodel;prompt;steps;inputImage;label.order\r\nwiro/flux;"A ""tall"", old\r\ncastle";20;in.png;17\r\n;;;;\r\n\r\n',
    ],
  ])('with %s becomes generations', async (_, text) => {
    const world = csvWorld();
    world.put('in.png', 'x');
    await world.deliver(world.put(FILE, text));

    expect(await requests(world)).toMatchObject([
      {
        model: 'wiro/flux',
        parameters: { prompt: 'A "tall", old\ncastle', steps: '20' },
        inputs: { inputImage: [{ key: 'in.png' }] },
        labels: { order: '17' },
        results: { key: expect.stringMatching(/^results\/castles\.csv\//), index: 0, total: 1 },
      },
    ]);
    expect([...world.written.keys()]).toEqual([]);
  });

  it('takes the preset of its folder for rows without a model, and a row’s own values first', async () => {
    const world = csvWorld();
    world.deps.presets = {
      tall: { model: 'wiro/tall', fileParameter: 'inputImage', parameters: { prompt: 'tall', steps: 9 } },
      wide: { model: 'wiro/wide', fileParameter: 'inputImage' },
    };
    await world.deliver(world.put('requests/tall/a.csv', 'model,prompt\n,a castle\nwiro/flux,"b"\n'));

    expect(await requests(world)).toMatchObject([
      { model: 'wiro/tall', parameters: { prompt: 'a castle', steps: 9 } },
      { model: 'wiro/flux', parameters: { prompt: 'b' } },
    ]);
    await world.deliver(world.put(FILE, 'prompt\na castle\n'));
    expect(world.written.get(REJECTED)).toMatchObject({
      errors: [{ message: expect.stringContaining('a table without a column "model"') }],
    });
  });

  it('takes the only preset of the deployment', async () => {
    const world = csvWorld();
    world.deps.presets = { tall: { model: 'wiro/tall', fileParameter: 'inputImage' } };
    await world.deliver(world.put(FILE, 'prompt\na castle\n'));

    expect(await requests(world)).toMatchObject([{ model: 'wiro/tall' }]);
  });

  it('is rejected whole, with the line of every malformed row, and no other is run', async () => {
    const world = csvWorld();
    await world.deliver(
      world.put(
        FILE,
        'model,prompt,steps,inputImage,maxCostUsd\n' +
          'wiro/flux,fine,20,,\n' +
          'wiro/flux,"two\nlines",90,,\n' +
          'flux,x,,,\n' +
          'wiro/flux,x,,no.png,"0,5"\n' +
          'wiro/flux,a,1,,,more\n',
      ),
    );

    expect(world.accepted()).toEqual([]);
    const { errors } = world.written.get(REJECTED) as {
      errors: readonly { message: string; field?: string }[];
    };
    expect(errors.map(({ message }) => message.slice(0, 50))).toEqual([
      'line 3: parameters.steps is 90, but must be a numb',
      'line 5: model must be "owner/project", as in the U',
      'line 6: maxCostUsd is "0,5": use an amount above 0',
      'line 6: inputs.inputImage: there is no object "no.',
      'line 7: it has 6 cells, and the table has 5 column',
    ]);
  });

  it.each([
    ['', 'without requests'],
    ['model,prompt\n', 'without requests'],
    ['hello world\nbye', 'without a column "model"'],
    ['Model,prompt\nwiro/flux,x\n', 'line 1: the column "Model" must be written "model"'],
    ['model,prompt,prompt\nwiro/flux,x,y\n', 'line 1: two columns are named "prompt": rename one.'],
    ['model,prompt\nwiro/flux,"never closed\nwiro/flux,x\n', 'a quoted text is never closed'],
    ['model,prompt\nwiro/flux,say "hello"\n', 'a " stands within a text that is not quoted'],
    ['model,prompt\nwiro/flux,"say "hello" twice"\n', 'text follows the end of a quoted text'],
    [`model,prompt\n${'wiro/flux,x\n'.repeat(1_001)}`, 'holds more than 1000 requests: split it'],
    [Array.from({ length: 501 }, (_, index) => `c${index}`).join(','), '501 columns; at most 500'],
    [`model,label.${'x'.repeat(300)}\nwiro/flux,x\n`, 'the name of column 2 has 306 characters'],
    ['model,prompt,parameter.prompt\nwiro/flux,a,b\n', 'two columns give "prompt"'],
    [`model,prompt\nwiro/flux,${'x'.repeat(1024 * 1024)}\n`, '1 MB'],
  ])('of %j is rejected in plain words', async (text, part) => {
    const world = csvWorld();
    await world.deliver(world.put(FILE, text));

    expect(world.written.get(REJECTED)).toMatchObject({
      errors: [{ message: expect.stringContaining(part) }],
    });
    expect(world.accepted()).toEqual([]);
  });

  it('that is accepted in part, and never again read, says so', async () => {
    let isWiroAway = false;
    const world = doorWorld({
      knownModel: async () =>
        isWiroAway ? undefined : { kind: 'model' as const, schema, modelKind: 'plain' as const },
    });
    const { accept } = world.deps.generations;
    world.deps.generations.accept = async (generation, request) => {
      if (isWiroAway) throw new Error('DynamoDB is away');
      isWiroAway = true;
      return accept(generation, request);
    };
    const event = world.put(FILE, 'model,prompt\nwiro/flux,a\nwiro/flux,b\n');

    expect(await world.deliverUpToThrice(() => world.deliver(event))).toBe(3);

    expect(world.accepted()).toHaveLength(1);
    expect(world.written.get(REJECTED)).toMatchObject({
      message: expect.stringContaining('The others were not accepted and cost nothing: put them again.'),
    });
  });

  it('that another delivery accepts to its end meanwhile keeps no such answer', async () => {
    const world = csvWorld();
    const { accept } = world.deps.generations;
    world.deps.generations.accept = () => Promise.reject(new Error('DynamoDB is away'));
    const event = world.put(FILE, 'model,prompt\nwiro/flux,a\n');
    const { update } = world.deps.rejections;
    world.deps.rejections.update = async (ref, change) => {
      world.deps.generations.accept = accept;
      await world.deliver(event);
      await update(ref, change);
    };

    await world.deliverUpToThrice(() => world.deliver(event));

    expect(world.accepted()).toHaveLength(1);
    expect([...world.written.keys()]).toEqual([]);
  });

  it('quotes no more of a cell than a person reads', async () => {
    const world = csvWorld();
    await world.deliver(world.put(FILE, `model,maxCostUsd\nwiro/flux,${'x'.repeat(100_000)}\n`));

    expect(JSON.stringify(world.written.get(REJECTED)).length).toBeLessThan(10_000);
  });

  it('with many models asks about several at once', async () => {
    let asked = 0;
    let most = 0;
    const world = doorWorld({
      knownModel: async () => {
        asked += 1;
        most = Math.max(most, asked);
        await Promise.resolve();
        asked -= 1;
        return { kind: 'model' as const, schema, modelKind: 'plain' as const };
      },
    });
    const models = Array.from({ length: 30 }, (_, index) => `wiro/m${index},x\n`).join('');
    await world.deliver(world.put(FILE, `model,prompt\n${models}`));

    expect(world.accepted()).toHaveLength(30);
    expect(most).toBe(10);
  });

  it('is tried again while Wiro does not say which columns are files, and then answered', async () => {
    const world = doorWorld();
    const event = world.put(FILE, 'model,prompt\nwiro/flux,x\n');

    expect(await world.deliverUpToThrice(() => world.deliver(event))).toBe(2);

    expect(world.written.get(REJECTED)).toMatchObject({
      errors: [
        {
          code: 'upstream_unavailable',
          message: expect.stringContaining('"input.<parameter>"'),
          retryable: true,
        },
      ],
    });
    await world.deliver(world.put(FILE, 'model,parameter.prompt\nwiro/flux,x\n', { at: 60 }));
    expect(world.accepted()).toHaveLength(1);
  });
});

describe('an object that starts nothing', () => {
  const bytes = (world: ReturnType<typeof doorWorld>, key: string, content: Buffer) => {
    const event = world.put(key, 'x');
    const object = world.objects.get(key);
    if (object) world.objects.set(key, { ...object, bytes: content });
    return event;
  };

  it.each([
    [
      'requests/photo.png',
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0xff]),
      'of the type image/png',
    ],
    [
      'requests/sub/batch.xlsx',
      Buffer.from('PK\u0003\u0004\u00ff', 'latin1'),
      'Save its table as "CSV UTF-8"',
    ],
    ['requests/notes.txt', Buffer.from('Please paint a castle.'), 'begins with the text "Please"'],
    ['requests/brief.docx', Buffer.from('PK\u0003\u0004\u00ff', 'latin1'), 'not JSON but a Word document'],
    ['requests/a.csv', Buffer.from('model;prompt\nwiro/flux;für\n', 'latin1'), 'save it as "CSV UTF-8"'],
    ['requests/a.jsonl', Buffer.from('{"model": "a/b"}\n{"model": "a/b"}\n'), 'one JSON object a line'],
    ['requests/a.json', Buffer.from('model,prompt\nwiro/flux,x\n'), 'let its name end in .csv'],
    ['uploads/loose.png', Buffer.from('x'), 'put it into "uploads/portraits/" or'],
  ])('is answered: %s', async (key, content, part) => {
    const world = doorWorld();
    await world.deliver(bytes(world, key, content));

    const name = key.replace(/^requests\//, '').replace(/\.json$/, '');
    expect(world.written.get(`rejected/${name}.json`)).toMatchObject({
      request: `s3://photos/${key}`,
      errors: [{ message: expect.stringContaining(part) }],
    });
    expect(world.accepted()).toEqual([]);
  });

  it('is answered with the size that is allowed, and with what to do with a photo', async () => {
    const world = doorWorld();
    const event = world.put('requests/photo.png', 'x');
    const object = world.objects.get('requests/photo.png');
    if (object)
      world.objects.set('requests/photo.png', {
        ...object,
        found: { ...object.found, sizeBytes: 5_000_000 },
      });
    await world.deliver(event);

    expect(world.written.get('rejected/photo.png.json')).toMatchObject({
      errors: [{ message: expect.stringMatching(/5000000 bytes.*elsewhere in the bucket/) }],
    });
  });

  it.each([
    'requests/',
    'requests/2026/',
    'requests/.DS_Store',
    'requests/~$batch.xlsx',
    'requests/.~lock.batch.csv#',
    'requests/__MACOSX/batch.json',
    'uploads/',
    'uploads/portraits/',
    'uploads/portraits/Thumbs.db',
    'uploads/.DS_Store',
    'elsewhere/a.json',
  ])('is not answered if it is a marker or junk, or lies elsewhere: %s', async (key) => {
    const world = doorWorld();
    await world.deliver(world.put(key, 'x'));

    expect([world.written.size, world.accepted().length]).toEqual([0, 0]);
  });

  it('is not answered if it was replaced before its event came', async () => {
    const world = doorWorld();
    const event = world.put('uploads/loose.png', 'one');
    world.put('uploads/loose.png', 'two');
    await world.deliver(event);

    expect(world.written.size).toBe(0);
  });

  it('is answered under a key that S3 takes, however long its own is', async () => {
    const world = doorWorld();
    await world.deliver(world.put(`requests/${'ü'.repeat(507)}`, 'x'));

    const [key = ''] = world.written.keys();
    expect(Buffer.byteLength(key)).toBeLessThanOrEqual(1_024);
    expect(key.endsWith('ü.json')).toBe(true);
  });
});

describe('a request by event', () => {
  it('is one generation, however often it is delivered', async () => {
    const world = doorWorld();
    for (let times = 0; times < 2; times += 1)
      await world.ask('e', { model: 'wiro/flux', parameters: { prompt: 'x' } });

    expect(world.accepted()).toHaveLength(1);
    expect(world.told).toEqual([]);
  });

  it('that cannot be accepted with its last delivery is answered by Generation Rejected, and never run', async () => {
    const world = doorWorld();
    const detail = { model: 'wiro/flux', inputs: { image: 'a.png' } };
    world.put('a.png', 'x');
    world.faults.head = away;
    expect(await world.deliverUpToThrice(() => world.ask('e', detail))).toBe(3);
    world.faults.head = undefined;
    await world.ask('e', detail);

    expect(world.told.map(({ detailType }) => detailType)).toEqual([
      'Generation Rejected',
      'Generation Rejected',
    ]);
    expect(world.told[0]?.detail).toMatchObject({
      eventId: 'e.rejected',
      requestEventId: 'e',
      error: { code: 'internal_error', message: expect.stringContaining('Nothing was run') },
    });
    expect(world.accepted()).toEqual([]);
  });
});

describe('whatever a request names, every door answers it', () => {
  const image = (key: string) => ({ model: 'wiro/flux', inputs: { image: key } });
  const cases: readonly (readonly [string, string, string])[] = [
    [
      'JSON 20,000 deep',
      `{"model": "wiro/flux", "parameters": {"a": ${'['.repeat(20_000)}${']'.repeat(20_000)}}}`,
      'invalid_request',
    ],
    [
      'half a surrogate in a key',
      '{"model": "wiro/flux", "inputs": {"image": "a\\ud800.png"}}',
      'invalid_parameter',
    ],
    [
      'half a surrogate in a name',
      '{"model": "wiro/flux", "parameters": {"a": {"\\ud800": 1}}}',
      'invalid_request',
    ],
    [
      'a seed beyond 2^53',
      '{"model": "wiro/flux", "parameters": {"seed": 9007199254740993}}',
      'invalid_parameter',
    ],
    ['1e400', '{"model": "wiro/flux", "parameters": {"scale": 1e400}}', 'invalid_parameter'],
    ['a name of 200 KB', `{"model": "wiro/flux", "${'x'.repeat(200_000)}": 1}`, 'invalid_request'],
    ['a refused object', JSON.stringify(image('forbidden.png')), 'input_unreadable'],
    ['an archived object', JSON.stringify(image('archived.png')), 'input_archived'],
  ];

  it.each(cases)('%s', async (_, text, code) => {
    const world = doorWorld();
    world.put('archived.png', 'x');
    const archived = world.objects.get('archived.png');
    if (archived)
      world.objects.set('archived.png', { ...archived, found: { ...archived.found, isArchived: true } });
    const refusal = { name: 'AccessDenied', message: 'not authorized to perform: s3:GetObject' };
    world.faults.head = (key) =>
      key === 'forbidden.png'
        ? new InputAccessError(
            { bucket: BUCKET, key },
            new S3ServiceException({ ...refusal, $fault: 'client', $metadata: {} }),
          )
        : undefined;

    expect(await world.post(text)).toMatchObject({ statusCode: 400, body: { error: { code } } });
    await world.deliver(world.put('requests/one.json', text));
    expect(world.written.get('rejected/one.json')).toMatchObject({ errors: [{ code }] });
    await world.ask('e', JSON.parse(text));
    expect(world.told).toMatchObject([{ detailType: 'Generation Rejected', detail: { error: { code } } }]);
    // The largest event of EventBridge.
    expect(JSON.stringify(world.told).length).toBeLessThan(256 * 1024);
    expect(world.accepted()).toEqual([]);
  });
});
