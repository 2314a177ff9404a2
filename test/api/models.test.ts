import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ModelRecord } from '../../functions/api/get-model.ts';
import type { ModelList } from '../../functions/api/list-models.ts';
import { answerRequest } from '../../functions/api/routes.ts';
import type { Refusal } from '../../functions/generation/errors.ts';
import { checkAgainstSchema, findUnknownParameters } from '../../functions/request/check-schema.ts';
import { parseRequest } from '../../functions/request/request.ts';
import { parseModel } from '../../functions/wiro/answers/parse-model.ts';
import { WiroError } from '../../functions/wiro/errors.ts';
import type { Model, ModelQuery, WiroClient } from '../../functions/wiro/types.ts';
import { CATALOGUE } from '../../local/simulator/model-catalogue.ts';
import { describeModel, findModel, modelName, searchModels } from '../../local/simulator/models.ts';
import { doorWorld } from '../intake/door-world.ts';

afterEach(() => void vi.restoreAllMocks());

const NAMES = CATALOGUE.map(modelName);
const made = (owner: string, count: number): Model[] =>
  Array.from({ length: count }, (_, n) => ({
    name: `${owner}/model-${n}`,
    kind: 'plain',
    slugs: [],
    parameters: [],
  }));

/** A Wiro with these models, or those of the simulator. */
function modelsWorld({
  models,
  hidesTotal = false,
  allowedModels,
}: {
  readonly models?: readonly (Model | undefined)[];
  readonly hidesTotal?: boolean;
  readonly allowedModels?: readonly string[];
} = {}) {
  const world = doorWorld();
  const asked: ModelQuery[] = [];
  const health: { fails?: WiroError; failsAfter: number } = { failsAfter: 0 };
  const wiro: Pick<WiroClient, 'task' | 'models' | 'model'> = {
    task: async () => undefined,
    async models(query) {
      asked.push(query);
      if (health.fails && asked.length > health.failsAfter) throw health.fails;
      const { search, owner, start = 0, limit = 20 } = query;
      const all =
        models?.filter(
          (one) => owner === undefined || one === undefined || one.name.startsWith(`${owner}/`),
        ) ?? searchModels({ search, slugowner: owner }).map((one) => parseModel(describeModel(one)));
      return { models: all.slice(start, start + limit), ...(!hidesTotal && { total: all.length }) };
    },
    async model(name) {
      if (health.fails) throw health.fails;
      const [owner = '', project = ''] = name.split('/');
      const found = findModel(owner, project);
      return found && parseModel(describeModel(found));
    },
  };
  Object.assign(world.deps, { wiro, ...(allowedModels && { allowedModels }) });
  const get = async (path: string) => {
    const [pathname = '', query = ''] = path.split('?');
    const answer = await answerRequest(world.deps, {
      method: 'GET',
      path: pathname,
      query: new URLSearchParams(query),
      body: Buffer.alloc(0),
    });
    return { ...answer, error: (answer.body as { error?: Refusal }).error };
  };
  const list = async (query = '') => {
    const { statusCode, body } = await get(`/models${query}`);
    expect(statusCode).toBe(200);
    return body as ModelList;
  };
  /** Every page, as names. */
  const pages = async (query = '') => {
    const found: string[][] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const page = await list(`?${query}${cursor && `&cursor=${cursor}`}`);
      found.push(page.models.map(({ name }) => name));
      cursor = page.cursor;
      if (found.length > 50) throw new Error('It does not end');
    }
    return found;
  };
  return { asked, health, get, list, pages };
}

describe('GET /models', () => {
  it('shows what a list shows, with the price of the defaults', async () => {
    const { models } = await modelsWorld().list('?search=picture%20batch');

    expect(models).toEqual([
      {
        name: 'wiro/picture-batch',
        title: 'Picture Batch',
        description: 'Paints as many scenes as are asked for, and charges for each',
        kind: 'plain',
        price: { certainty: 'exact', usd: 0.02, method: 'cpo' },
      },
    ]);
  });

  it.each([false, true])(
    'shows every model once, page by page, where Wiro hides the total: %s',
    async (hidesTotal) => {
      const pages = await modelsWorld({ hidesTotal }).pages('limit=4');

      expect(pages.flat().toSorted()).toEqual(NAMES.toSorted());
      expect(pages.slice(0, -1).every(({ length }) => length === 4)).toBe(true);
    },
  );

  it('passes by a row that cannot be read', async () => {
    const [a, b, c] = made('a', 3);

    expect(await modelsWorld({ models: [a, undefined, b, c] }).pages('limit=1')).toEqual([
      ['a/model-0'],
      ['a/model-1'],
      ['a/model-2'],
    ]);
  });

  it('shows what the deployment runs, by owner, and nothing else', async () => {
    const models = [...made('a', 250), ...made('b', 30), ...made('c', 3)];
    const allowedModels = ['b/model-2*', 'a/model-249', 'b/model-7'];
    const { asked, pages } = modelsWorld({ models, allowedModels });

    const found = await pages('limit=5');

    const twenties = Array.from({ length: 10 }, (_, n) => `b/model-2${n}`);
    expect(found.flat()).toEqual(['b/model-2', 'b/model-7', ...twenties, 'a/model-249']);
    expect(asked.every(({ owner }) => owner === 'a' || owner === 'b')).toBe(true);
  });

  it('asks Wiro five times a page, however rare what the deployment runs is', async () => {
    const { asked, list } = modelsWorld({ models: made('a', 5_000), allowedModels: ['a/model-4999'] });

    const { models, cursor } = await list();

    expect([models, asked.length, typeof cursor]).toEqual([[], 5, 'string']);
  });

  it.each([
    ['?limit=0', 'limit'],
    ['?limit=101', 'limit'],
    ['?limit=x', 'limit'],
    ['?size=3', 'size'],
    ['?search=a&search=b', 'search'],
    [`?search=${'x'.repeat(201)}`, 'search'],
    ['?cursor=x', 'cursor'],
    ['?cursor=', 'cursor'],
  ])('refuses %s', async (query, field) => {
    const { error, statusCode } = await modelsWorld().get(`/models${query}`);

    expect([statusCode, error?.code, error?.field]).toEqual([400, 'invalid_parameter', field]);
  });

  it('refuses a cursor of another search or of another deployment', async () => {
    const { cursor } = await modelsWorld().list('?search=picture&limit=1');
    const other = await modelsWorld().get(`/models?search=a&cursor=${cursor}`);
    const restricted = await modelsWorld({ allowedModels: ['google/*'] }).get(
      `/models?search=picture&cursor=${cursor}`,
    );

    expect(cursor).toBeTypeOf('string');
    for (const { error } of [other, restricted]) expect(error).toMatchObject({ field: 'cursor' });
  });

  it('says that Wiro cannot be asked, or shows what it has found until then', async () => {
    const { health, get } = modelsWorld({ models: made('a', 300), allowedModels: ['a/model-1*'] });
    health.fails = new WiroError('unreachable', 'Cannot list: no route', { why: 'no route' });
    const nothing = await get('/models');
    health.failsAfter = 2;

    const some = await get('/models?limit=100');

    expect(nothing).toMatchObject({
      statusCode: 503,
      error: { code: 'upstream_unavailable', retryable: true, message: expect.stringContaining('no route') },
    });
    expect(some.statusCode).toBe(200);
    expect((some.body as ModelList).models).toHaveLength(11);
    expect((some.body as ModelList).cursor).toBeTypeOf('string');
  });
});

describe('GET /models/{owner}/{project}', () => {
  it('shows parameters, prices and a request to start from', async () => {
    const { body, statusCode } = await modelsWorld().get('/models/wiro/moving-picture');

    expect(statusCode).toBe(200);
    expect(body).toMatchObject({
      name: 'wiro/moving-picture',
      title: 'Moving Picture',
      kind: 'plain',
      parameters: [{ id: 'inputImage', type: 'fileinput', required: true }, {}, {}, {}],
      prices: [{ inputs: { resolution: '1080p' }, price: 0.1 }, { inputs: {} }],
      request: {
        model: 'wiro/moving-picture',
        parameters: { resolution: '720p', duration: 5 },
        inputs: { inputImage: 'your-file.png' },
      },
    });
  });

  it.each(NAMES)('shows a request for %s that its own schema accepts', async (name) => {
    const { body } = await modelsWorld().get(`/models/${name}`);

    const model = body as ModelRecord;
    const request = parseRequest(model.request, { inputBucket: 'photos', furtherBuckets: [] });
    expect(() => checkAgainstSchema(request, model)).not.toThrow();
    expect(findUnknownParameters(request, model)).toEqual([]);
  });

  it.each([
    ['/models/wiro/none', undefined, 'model_not_found'],
    ['/models/wiro/%2e%2e', undefined, 'model_not_found'],
    [`/models/wiro/${'x'.repeat(500)}`, undefined, 'model_not_found'],
    ['/models/wiro/collage', ['google/*'], 'model_not_allowed'],
    ['/models/wiro', undefined, 'not_found'],
    ['/models/wiro/collage/more', undefined, 'not_found'],
  ])('answers %s where %j runs with 404 %s', async (path, allowedModels, code) => {
    const { statusCode, error } = await modelsWorld({ ...(allowedModels && { allowedModels }) }).get(path);

    expect([statusCode, error?.code]).toEqual([404, code]);
    expect(error?.message).not.toContain('run or charged');
    expect(error?.message.length).toBeLessThan(600);
  });

  it.each(['/models', '/models/wiro/collage'])(
    'says at %s what to do about a key that Wiro refuses',
    async (path) => {
      const { health, get } = modelsWorld();
      health.fails = new WiroError('unauthorized', 'Cannot ask', { why: 'it answered 401: No project.' });

      const { statusCode, error } = await get(path);

      expect([statusCode, error?.code, error?.retryable]).toEqual([503, 'upstream_unauthorized', true]);
      expect(error?.message).toMatch(/does not accept this deployment's API key .*npm run setup/);
      expect(error?.message).not.toContain('Try again in a while');
    },
  );

  it('says that Wiro cannot be asked', async () => {
    const { health, get } = modelsWorld();
    health.fails = new WiroError('timeout', 'Cannot read: too late', { why: 'it says: Too late.' });

    expect(await get('/models/wiro/collage')).toMatchObject({
      statusCode: 503,
      error: {
        code: 'upstream_unavailable',
        retryable: true,
        message: expect.stringContaining('it says: Too late. Try again'),
      },
    });
  });
});
