import { describe, expect, it } from 'vitest';
import { clientOf, STORY_MAKER, signedHeaders, startWorld, type WiroAnswer } from './world.ts';

describe('authentication', () => {
  it('responds 401 without a key, with a wrong key and with a wrong signature, and does nothing', async () => {
    const { simulator } = await startWorld();
    const right = signedHeaders(simulator);
    const attempts = [
      {},
      { ...right, 'x-api-key': 'other' },
      { 'x-api-key': right['x-api-key'] },
      { ...right, 'x-nonce': '1' },
    ];

    const responses = await Promise.all(
      attempts.map((headers) =>
        fetch(`${simulator.apiUrl}/Run/wiro/text-to-image`, {
          method: 'POST',
          headers,
          body: '{"prompt":"x"}',
        }),
      ),
    );

    expect(responses.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    expect(await responses[0]?.json()).toMatchObject({
      result: false,
      errors: [{ message: expect.any(String) }],
    });
    expect(simulator.tasks()).toEqual([]);
  });

  it('accepts the signature that openssl computes from secret and nonce', async () => {
    const { simulator } = await startWorld({ apiKey: 'key', apiSecret: 'secret' });

    const response = await fetch(`${simulator.apiUrl}/Tool/List`, {
      method: 'POST',
      headers: {
        'x-api-key': 'key',
        'x-nonce': '1734513809',
        // printf %s secret1734513809 | openssl dgst -sha256 -hmac key
        'x-signature': '207d51463ffed1ceb59b045cadf60eff3559ab98bdddd9b678ac9786541fa3b8',
      },
    });

    expect(response.status).toBe(200);
  });

  it('requires only the key of a key-only project', async () => {
    const { simulator } = await startWorld({ keyOnly: true });
    const ask = (key: string) =>
      fetch(`${simulator.apiUrl}/Tool/List`, { method: 'POST', headers: { 'x-api-key': key } });

    const statuses = [(await ask('simulator-key')).status, (await ask('another')).status];

    expect(statuses).toEqual([200, 401]);
  });
});

describe('routes', () => {
  it.each(['Run/wiro', 'Run/wiro/image-to-image/sync', 'Task/Unknown', 'Task/Detail/more', 'Tool', ''])(
    'do not include %j',
    async (path) => {
      const { post } = await startWorld();

      const response = await post(path, '{}');

      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({
        result: false,
        errors: [{ message: 'Error parsing url.' }],
      });
    },
  );

  it('list models, and describe one by its clean or raw slugs', async () => {
    const { call } = await startWorld();

    const list = await call('Tool/List', { search: 'story', start: '0', limit: '5' });
    const clean = await call('Tool/Detail', { slugowner: 'wiro', slugproject: 'image-to-image' });
    const raw = await call('Tool/Detail', { slugowner: 'Wiro', slugproject: 'Image to Image' });
    const unknown = await call('Tool/Detail', { slugowner: 'wiro', slugproject: 'nothing' });

    expect(list).toMatchObject({
      result: true,
      total: '1',
      tool: [{ cleanslugproject: STORY_MAKER.slice(5) }],
    });
    expect(clean.tool?.[0]).toMatchObject({
      title: 'Image to Image',
      dynamicprice: '[{"inputs":{},"price":0.03,"priceMethod":"cpr"}]',
      parameters: [
        { items: expect.arrayContaining([expect.objectContaining({ id: 'inputImage', required: 'true' })]) },
      ],
    });
    expect(raw).toEqual(clean);
    expect(unknown).toMatchObject({
      result: false,
      errors: [{ code: 1, message: 'slug-owner-project-not-exist' }],
    });
  });
});

describe('lists of models', () => {
  const names = ({ tool = [] }: WiroAnswer) => tool.map(({ cleanslugproject }) => String(cleanslugproject));

  it('match every word, in any order', async () => {
    const { call } = await startWorld();

    const both = await call('Tool/List', { search: 'consistency STORY' });
    const other = await call('Tool/List', { search: 'story nothing' });

    expect([names(both), names(other)]).toEqual([[STORY_MAKER.slice(5)], []]);
  });

  it.each(['id', 'time', 'ratedusercount', 'commentcount', 'averagepoint'])('sort by %s', async (sort) => {
    const { call } = await startWorld();
    const values = ({ tool = [] }: WiroAnswer) =>
      tool.map((row) => Number((row as Record<string, unknown>)[sort === 'time' ? 'id' : sort]));

    const up = values(await call('Tool/List', { sort, order: 'ASC', limit: '50' }));
    const down = values(await call('Tool/List', { sort, order: 'DESC', limit: '50' }));

    expect(up).toEqual(up.toSorted((a, b) => a - b));
    expect(down).toEqual(up.toReversed());
    expect(new Set(up).size).toBeGreaterThan(1);
  });

  it('are sorted by relevance: a word in the name counts more than one in the description', async () => {
    const { call } = await startWorld();

    const found = names(
      await call('Tool/List', { search: 'image', sort: 'relevance', order: 'DESC', limit: '50' }),
    );

    const hits = found.map((name) => name.includes('image'));
    expect(hits).toEqual(hits.toSorted((a, b) => Number(b) - Number(a)));
    expect(new Set(hits).size).toBe(2);
  });

  it('have options with a value and a label', async () => {
    const { call } = await startWorld();

    const { tool } = await call('Tool/Detail', {
      slugowner: 'wiro',
      slugproject: STORY_MAKER.slice(5),
    });

    expect(JSON.stringify(tool)).toContain('{"value":"617","label":"RealVisXL V4.0"}');
  });

  it('are grouped to explore', async () => {
    const { call } = await startWorld();

    const { explore } = (await call('Tool/Explore', {})) as unknown as {
      explore: { id: string; title: string; tools: { cleanslugproject: string }[] }[];
    };

    expect(explore.flatMap(({ tools }) => tools.map((tool) => tool.cleanslugproject))).toContain(
      STORY_MAKER.slice(5),
    );
    expect(explore.every(({ id, title }) => id !== '' && title !== '')).toBe(true);
  });
});

describe('files', () => {
  it('are stored as uploads and served at their URLs without authentication', async () => {
    const { simulator, call, post } = await startWorld();
    const folder = (await call('File/FolderCreate', { name: 'inputs-1' })).list?.[0];
    const form = new FormData();
    form.set('folderid', folder?.id ?? '');
    form.set('file', new File([Uint8Array.of(1, 2, 3)], 'a b"é.png'));

    const answer = (await (await post('File/Upload', form)).json()) as WiroAnswer;

    expect(answer.list?.[0]).toMatchObject({ name: 'a b"é.png', size: '3', contenttype: 'image/png' });
    expect(simulator.uploads()).toMatchObject([{ name: 'a b"é.png', sizeBytes: 3, folderId: folder?.id }]);
    const served = await fetch(answer.list?.[0]?.url ?? '');
    expect([...new Uint8Array(await served.arrayBuffer())]).toEqual([1, 2, 3]);
  });

  it('are stored on disk if they are large', async () => {
    const { upload } = await startWorld();
    const bytes = new Uint8Array(3_000_000).map((_, index) => (index * 7 + (index >> 8)) % 251);

    const { url, size } = await upload(bytes, 'big.zip');

    expect(size).toBe('3000000');
    expect(Buffer.compare(Buffer.from(await (await fetch(url)).arrayBuffer()), bytes)).toBe(0);
  });

  it.each([
    ['an unsupported type', 'virus.exe', 3, 'File type of [virus.exe] is not supported'],
    ['more than 100 MB', 'film.mp4', 100 * 1024 * 1024 + 1, 'File [film.mp4] must be smaller than 100 MB'],
  ])(
    'refuses %s',
    async (_, name, sizeBytes, message) => {
      const { simulator, post } = await startWorld();
      const form = new FormData();
      form.set('file', new File([new Uint8Array(sizeBytes)], name));

      const answer = (await (await post('File/Upload', form)).json()) as WiroAnswer;

      expect(answer).toEqual({ result: false, errors: [{ code: 0, message }] });
      expect(simulator.uploads()).toEqual([]);
    },
    60_000,
  );
});

describe('Run', () => {
  it.each([
    ['no parameters', STORY_MAKER, {}, 0, 'Request parameter [prompt] required'],
    [
      'text instead of a number',
      STORY_MAKER,
      { prompt: 'x', width: 'wide' },
      0,
      'Request parameter [width] must be integer or float',
    ],
    [
      'a number too large',
      STORY_MAKER,
      { prompt: 'x', samples: 9 },
      0,
      'Request parameter [samples] must be between 1 and 4',
    ],
    ['no file', 'wiro/image-to-image', {}, 0, 'Request files [inputImage] required'],
    ['an unknown model', 'wiro/nothing', {}, 1, 'slug-owner-project-not-exist'],
  ])("refuses %s with Wiro's message", async (_, model, parameters, code, message) => {
    const { simulator, call } = await startWorld();

    const answer = await call(`Run/${model}`, parameters);

    expect(answer).toEqual({ result: false, errors: [{ code, message }] });
    expect(simulator.tasks()).toEqual([]);
  });

  it('treats 0 and "" as unset, because clients send them', async () => {
    const { call } = await startWorld();

    const answer = await call(`Run/${STORY_MAKER}`, {
      prompt: 'x',
      inputImage: '',
      inputImageUrl: '',
      negativePrompt: '',
      width: 0,
      height: '0',
      samples: 0,
      seed: '',
    });

    expect(answer).toMatchObject({ result: true, taskid: expect.any(String), errors: [] });
  });

  it('finds inputs in every form of a file parameter', async () => {
    const { simulator, upload, run, post } = await startWorld();
    const [one, two] = [await upload(Uint8Array.of(1)), await upload(Uint8Array.of(2))];
    const both = `${one.url},${two.url}`;
    const form = new FormData();
    form.set('prompt', 'x');
    form.append('inputImages', new File([Uint8Array.of(3)], 'three.png'));
    form.append('inputImages', new File([Uint8Array.of(4)], 'four.png'));
    form.set('inputImagesUrl', '');

    await run({ inputImageUrl: one.url, inputImage2: two.url }, STORY_MAKER);
    await run({ inputImagesUrl: both }, 'wiro/group-portrait');
    await run({ inputImage: [one.url, two.url] }, 'wiro/collage');
    await run({ inputImage: both }, 'wiro/collage');
    await post('Run/wiro/group-portrait', form);

    const [, , three, four] = simulator.uploads();
    const urls = [one.url, two.url];
    expect(simulator.tasks().map(({ inputUrls }) => inputUrls)).toEqual([
      urls,
      urls,
      urls,
      urls,
      [three?.url, four?.url],
    ]);
  });

  it('refuses a task over the limit and names the limit', async () => {
    const { simulator, call, run } = await startWorld({ concurrencyLimit: 2 });
    simulator.faults.add({ operation: 'task', fault: { kind: 'stuck' } });
    const first = await run();
    await run();

    const refused = await call('Run/wiro/text-to-image', { prompt: 'x' });

    expect(refused).toEqual({
      result: false,
      errors: [{ code: 96, message: 'you can run up to 2 tasks at the same time' }],
    });
    await clientOf(simulator).taskWhen(first, ({ status }) => status === 'task_start');
    await call('Task/Kill', { taskid: first });
    expect(await call('Run/wiro/text-to-image', { prompt: 'x' })).toMatchObject({ result: true });
  });

  it.each([
    [4, 1],
    [57, 5],
    [250, 25],
    [251, null],
  ])('with a balance of $%d allows %s active tasks', async (balanceUsd, limit) => {
    const { simulator } = await startWorld();

    simulator.set({ balanceUsd, concurrencyLimit: 'balance' });

    expect(simulator.state().settings.concurrencyLimit).toBe(limit);
  });

  it('refuses a task below the minimum balance', async () => {
    const { call } = await startWorld({ balanceUsd: 0.49 });

    const answer = await call('Run/wiro/text-to-image', { prompt: 'x' });

    expect(answer).toMatchObject({ result: false, errors: [{ code: 97 }] });
  });
});

describe('Task/List', () => {
  it('returns the newest first, in pages, with callback URLs', async () => {
    const { call, run } = await startWorld();
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c']) ids.push(await run({ callbackUrl: `http://127.0.0.1:9/${name}` }));
    const list = { type: 'model', sort: 'id', order: 'DESC' };

    const first = await call('Task/List', { ...list, start: '0', limit: '2' });
    const second = await call('Task/List', { ...list, start: '2', limit: '2' });
    const beyond = await call('Task/List', { ...list, start: '4', limit: '2' });
    const oldest = await call('Task/List', { ...list, order: 'ASC', limit: 1 });
    const others = await call('Task/List', { ...list, modelName: STORY_MAKER });

    expect(first.tasklist?.map(({ id, callbackurl }) => [id, callbackurl])).toEqual([
      [ids[2], 'http://127.0.0.1:9/c'],
      [ids[1], 'http://127.0.0.1:9/b'],
    ]);
    expect(second.tasklist?.map(({ id }) => id)).toEqual([ids[0]]);
    expect(oldest.tasklist?.map(({ id }) => id)).toEqual([ids[0]]);
    expect([first.total, beyond.tasklist, others.tasklist]).toEqual(['3', [], []]);
  });

  it('responds with Wiro’s error if there is no task yet', async () => {
    const { call } = await startWorld();

    const answers = [await call('Task/List'), await call('Task/Detail', { taskid: '1' })];

    const none = { result: false, errors: [{ code: 1, message: 'There is no task yet.' }] };
    expect(answers).toEqual([none, none]);
  });
});
