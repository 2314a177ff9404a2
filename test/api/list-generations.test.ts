import { describe, expect, it } from 'vitest';
import { type GenerationList, listGenerations } from '../../functions/api/list-generations.ts';
import { RequestError } from '../../functions/generation/errors.ts';
import type { Generation, Output } from '../../functions/generation/generation.ts';
import { generationId } from '../../functions/request/identity.ts';
import { DURATIONS, type DueShards } from '../../functions/settings.ts';
import { createGenerationStore } from '../../functions/store/generation-store.ts';
import { createHistory } from '../../functions/store/history.ts';
import { EXAMPLES } from '../generation/examples.ts';
import { createMemoryTable } from '../store/memory-table.ts';

const OUTPUT: Output = {
  name: 'cat.png',
  bucket: 'outputs',
  key: 'outputs/x/1/0-cat.png',
  contentType: 'image/png',
  sizeBytes: 3,
  sha256: 'abc',
};

function listWorld(dueShards: DueShards = 1) {
  const table = createMemoryTable();
  const overflow = { write: async () => undefined, read: async () => undefined };
  const store = createGenerationStore(table, { overflow, dueShards });
  let seconds = 0;
  const deps = {
    history: createHistory(table, overflow),
    presign: async ({ key }: Output) => ({ url: `https://s3/${key}`, expiresAt: '2026-01-01T00:15:00.000Z' }),
    durations: DURATIONS,
    clock: () => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000),
  };
  /** Accepts one, a second after the last. */
  const add = async (
    as: Generation = EXAMPLES.queued,
    labels: Record<string, string> = {},
    price?: number,
  ) => {
    seconds += 1;
    const id = generationId('shop', 'api', String(seconds));
    await store.accept(
      { ...as, id, createdAt: deps.clock().toISOString(), revision: 1 },
      {
        model: as.model,
        parameters: {},
        inputs: {},
        labels,
        ...(price !== undefined && { priceUsd: price }),
      },
    );
    return id;
  };
  const list = (query = '') => listGenerations(deps, new URLSearchParams(query));
  const ids = async (query = '') => (await list(query)).generations.map(({ id }) => id);
  const refused = async (query: string) => {
    const error = await list(query).catch((thrown: unknown) => thrown);
    if (!(error instanceof RequestError)) throw new Error(`It was answered: ${JSON.stringify(error)}`);
    return error.problems.map(({ code, field, message }) => ({ code, field, message }));
  };
  return { store, add, list, ids, refused };
}

describe('a row', () => {
  it('has what a list shows: labels, cost, error, the first output', async () => {
    const { add, list, store } = listWorld();
    const failed = await add(EXAMPLES.failed);
    const succeeded = await add(EXAMPLES.succeeded, { order: '17' }, 0.05);
    await store.putOutputs(succeeded, {
      attempt: 1,
      revision: 1,
      outputs: [OUTPUT, { ...OUTPUT, name: 'dog.png' }],
    });

    const { generations } = await list();

    expect(generations).toEqual([
      {
        id: succeeded,
        model: 'wiro/flux',
        status: 'succeeded',
        origin: 'api',
        labels: { order: '17' },
        priceUsd: 0.05,
        costUsd: 0.04,
        output: {
          index: 0,
          name: 'cat.png',
          contentType: 'image/png',
          sizeBytes: 3,
          url: 'https://s3/outputs/x/1/0-cat.png',
          urlExpiresAt: '2026-01-01T00:15:00.000Z',
        },
        outputs: 2,
        createdAt: '2026-01-01T00:00:02.000Z',
        updatedAt: EXAMPLES.succeeded.updatedAt,
        endedAt: EXAMPLES.succeeded.endedAt,
      },
      {
        id: failed,
        model: 'wiro/flux',
        status: 'failed',
        origin: 'api',
        error: { code: 'model_failed', message: 'The model failed.' },
        outputs: 0,
        createdAt: '2026-01-01T00:00:01.000Z',
        updatedAt: EXAMPLES.failed.updatedAt,
        endedAt: EXAMPLES.failed.endedAt,
      },
    ]);
  });
});

describe('filters', () => {
  it('select by status as it is shown, model, origin and labels, all together', async () => {
    const { add, ids } = listWorld();
    const running = await add(EXAMPLES.running);
    const copying = await add({ ...EXAMPLES.running, emptyReads: 1 });
    const other = await add({ ...EXAMPLES.failed, model: 'wiro/other' });
    const dropped = await add({ ...EXAMPLES.failed, origin: 's3' }, { order: '17', 'a.b': 'x=y' });

    expect(await ids('status=running')).toEqual([running]);
    expect(await ids('status=collecting')).toEqual([copying]);
    expect(await ids('status=failed')).toEqual([dropped, other]);
    expect(await ids('model=wiro/other')).toEqual([other]);
    expect(await ids('model=Wiro/OTHER')).toEqual([other]);
    expect(await ids('origin=s3')).toEqual([dropped]);
    expect(await ids('label.order=17&label.a.b=x%3Dy')).toEqual([dropped]);
    expect(await ids('label.order=17&status=running')).toEqual([]);
    expect(await ids('label.constructor=')).toEqual([]);
  });

  it.each([1, 8] as const)('select by each status, with %d shards', async (dueShards) => {
    const { add, ids } = listWorld(dueShards);
    const { queued, submitting, running, collecting, succeeded, failed, cancelled } = EXAMPLES;
    const stored = [queued, submitting, running, collecting, succeeded, failed, cancelled];
    const added: [string, string][] = [];
    for (const one of stored) added.push([one.status, await add(one)]);

    for (const [status, id] of added) expect(await ids(`status=${status}`)).toEqual([id]);
  });

  it('select by time, to the day or with a zone', async () => {
    const { add, ids } = listWorld();
    const [first, second] = [await add(), await add()];

    expect(await ids('from=2026-01-01&to=2026-01-02')).toEqual([second, first]);
    expect(await ids('to=2026-01-01T01:00:02%2B01:00')).toEqual([first]);
    expect(await ids('from=2026-01-01T00:00:02Z')).toEqual([second]);
    expect(await ids('to=2026-01-01')).toEqual([]);
  });
});

describe('a query that is wrong', () => {
  it('is refused with every problem, its field and the remedy', async () => {
    const { refused } = listWorld();

    const problems = await refused(
      'status=done&model=hill&origin=web&limit=101&from=2026-02-31&to=yesterday&cursor=x&order=17&limit=2',
    );

    expect(problems.map(({ code, field }) => [code, field])).toEqual(
      ['order', 'limit', 'status', 'origin', 'cursor', 'model', 'from', 'to'].map((field) => [
        'invalid_parameter',
        field,
      ]),
    );
    expect(problems.map(({ message }) => message)).toEqual([
      'order is not a query parameter here. Use status, model, origin, from, to, limit, cursor, label.<name>.',
      'limit is given more than once. Give each query parameter once.',
      expect.stringContaining('queued, submitting, running'),
      'origin must be one of api, s3, event.',
      expect.stringContaining('Leave it out'),
      expect.stringContaining('owner/project'),
      expect.stringContaining('2026-10-31'),
      expect.stringContaining('2026-10-31'),
    ]);
  });

  it.each([
    'limit=0',
    'limit=',
    'limit=1e1',
    'limit=-1',
    'from=2026-01-02&to=2026-01-01',
    'from=2026-01-01T00:00:00',
    'from=0000-01-01',
    'label.=x',
  ])('%s is refused', async (query) => {
    const { refused } = listWorld();

    expect(await refused(query)).toHaveLength(1);
  });

  it.each([
    ['of another form', '2:2026-01'],
    ['of no month', '1:2026-13'],
    ['with more', '1:2026-01-01T00:00:00.000Z#aaaaaaaaaaaaaaaaaaaaaaaaaa '],
    ['of something else', '{"pk":"gate"}'],
  ])('a cursor %s is refused', async (_, text) => {
    const { refused } = listWorld();

    expect(await refused(`cursor=${Buffer.from(text).toString('base64url')}`)).toMatchObject([
      { field: 'cursor' },
    ]);
  });

  it('a cursor that was changed is refused', async () => {
    const { add, list, refused } = listWorld();
    await add();
    const { cursor = '' } = await list('limit=1');

    for (const changed of [
      `${cursor}=`,
      ` ${cursor}`,
      cursor.slice(1),
      `${cursor}${cursor}`,
      'x'.repeat(9_000),
    ])
      expect(await refused(`cursor=${encodeURIComponent(changed)}`)).toHaveLength(1);
  });
});

describe('paging', () => {
  it('is not disturbed by 1,000 new ones that come meanwhile', async () => {
    const { add, list } = listWorld();
    const stood: string[] = [];
    for (let index = 0; index < 50; index += 1) stood.unshift(await add());
    const seen: string[] = [];
    let pages = 0;
    let cursor: string | undefined;

    do {
      const page: GenerationList = await list(`limit=5${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.generations.map(({ id }) => id));
      cursor = page.cursor;
      pages += 1;
      for (let index = 0; index < 100; index += 1) await add();
    } while (cursor !== undefined);

    expect(seen).toEqual(stood);
    expect(pages).toBeGreaterThanOrEqual(10);
  });
});
