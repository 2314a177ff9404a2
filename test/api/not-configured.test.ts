import { expect, it } from 'vitest';
import { answerRequest, type RoutesDeps } from '../../functions/api/routes.ts';
import { EXAMPLES } from '../generation/examples.ts';
import { acceptWorld, idOf, requestOf } from '../intake/accept-world.ts';
import { useTables } from '../store/table-world.ts';

const { createWorld } = useTables('memory');

/** The API of a deployment with or without its secrets. */
async function apiWorld({ knownModel }: Partial<Pick<RoutesDeps, 'knownModel'>> = {}) {
  const { deps, isAccepted } = acceptWorld(await createWorld(), {});
  const secrets: { missing?: string } = {
    missing: 'the parameter /wiro/a/api-key is not there: run "npm run setup"',
  };
  const routes: RoutesDeps = {
    ...deps,
    ...(knownModel && { knownModel }),
    wiro: { task: async () => undefined, model: async () => undefined, models: async () => ({ models: [] }) },
    missingSecrets: async () => secrets.missing,
    submit: async () => undefined,
    collect: async () => undefined,
    socketUrl: '',
    presign: async () => ({ url: '', expiresAt: '' }),
    presignUpload: async () => {
      throw new Error('Nothing is uploaded here');
    },
    ahead: async () => 0,
    history: { page: async () => ({ generations: [], readUnits: 0 }) },
    timelines: { read: async () => ({ noted: [], omitted: 0 }) },
    usage: { page: async () => ({ rows: [], readUnits: 0 }) },
  };
  const call = (method: string, path: string, body: unknown = {}) =>
    answerRequest(routes, { method, path, body: Buffer.from(JSON.stringify(body)) });
  return { deps, secrets, isAccepted, call };
}

it('refuses a request without secrets, with the remedy and without storing it, and accepts it afterwards', async () => {
  const { call, isAccepted, secrets } = await apiWorld();

  const refused = await call('POST', '/generations', requestOf('a'));
  const wasStored = await isAccepted(idOf('a'));
  delete secrets.missing;
  const accepted = await call('POST', '/generations', requestOf('a'));

  expect(refused).toMatchObject({
    statusCode: 503,
    body: {
      error: {
        code: 'not_configured',
        retryable: true,
        message: expect.stringContaining('/wiro/a/api-key is not there: run "npm run setup"'),
      },
    },
  });
  expect([wasStored, accepted.statusCode]).toEqual([false, 202]);
});

it('asks for no secrets where a schema shows that they are there', async () => {
  const { call } = await apiWorld({
    knownModel: async () => ({
      kind: 'model',
      modelKind: 'plain',
      schema: { parameters: [] },
      isCached: true,
    }),
  });

  expect((await call('POST', '/generations', requestOf('a'))).statusCode).toBe(202);
});

it('answers, reads and cancels an accepted generation without secrets', async () => {
  const { call, secrets } = await apiWorld();
  delete secrets.missing;
  await call('POST', '/generations', requestOf('a'));
  secrets.missing = 'everything';

  const again = await call('POST', '/generations', requestOf('a'));
  const read = await call('GET', `/generations/${idOf('a')}`);
  const cancelled = await call('POST', `/generations/${idOf('a')}/cancel`);

  expect([again, read, cancelled].map(({ statusCode }) => statusCode)).toEqual([202, 200, 202]);
});

it('reports an invalid request without secrets, and retries nothing', async () => {
  const { call, deps } = await apiWorld();
  await deps.generations.accept(EXAMPLES.failed, {
    model: 'wiro/flux',
    parameters: {},
    inputs: {},
    labels: {},
  });

  const wrong = await call('POST', '/generations', { model: 7 });
  const retried = await call('POST', `/generations/${EXAMPLES.failed.id}/retry`);

  expect([wrong.statusCode, retried.statusCode]).toEqual([400, 503]);
  expect((await deps.generations.get(EXAMPLES.failed.id))?.status).toBe('failed');
});
