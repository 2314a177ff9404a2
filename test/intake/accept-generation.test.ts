import { describe, expect, it } from 'vitest';
import { answerRequest } from '../../functions/api/routes.ts';
import { PutItemCommand } from '../../functions/aws/dynamodb.ts';
import type { Generation } from '../../functions/generation/generation.ts';
import { type AcceptDeps, acceptChecked, checkRequest } from '../../functions/intake/accept-generation.ts';
import { acceptRequestFile, type FileDelivery } from '../../functions/intake/accept-request-file.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import { EXAMPLES } from '../generation/examples.ts';
import { doFirst, useTables } from '../store/table-world.ts';
import { acceptWorld, idOf, requestOf } from './accept-world.ts';

const { createWorld } = useTables();

async function accept(deps: AcceptDeps, key: string): Promise<string> {
  const checked = await checkRequest(deps, requestOf(key), { origin: 'api' });
  return (checked.kind === 'existing' ? checked.generation : await acceptChecked(deps, checked.checked)).id;
}

/** Returns the code of a refusal, or else `accepted`. */
const outcome = (accepting: Promise<unknown>): Promise<string> =>
  accepting.then(
    () => 'accepted',
    (error) => error.error?.code ?? String(error),
  );

it('a request without a key is new: no earlier one is looked for', async () => {
  const world = await createWorld();
  const { deps, depsOver, isAccepted } = acceptWorld(world, {});
  const { idempotencyKey: _, ...request } = requestOf('a');
  const isAsked = depsOver(doFirst(world.table, 'GetItemCommand', () => Promise.reject(new Error('asked'))));

  const checked = await checkRequest(isAsked, request, { origin: 'api' });

  expect(checked.kind).toBe('new');
  if (checked.kind === 'new')
    expect(await isAccepted((await acceptChecked(deps, checked.checked)).id)).toBe(true);
});

describe('one request under a daily limit', () => {
  it('is stored if it was counted, and not if it was refused', async () => {
    const { deps, isAccepted } = acceptWorld(await createWorld(), { limit: 3 });
    const keys = Array.from({ length: 12 }, (_, n) => `key-${n}`);

    const outcomes = await Promise.all(keys.map((key) => outcome(accept(deps, key))));

    expect(outcomes.filter((one) => one === 'accepted')).toHaveLength(3);
    expect(outcomes.filter((one) => one === 'daily_limit_reached')).toHaveLength(9);
    const stored = await Promise.all(keys.map((key) => isAccepted(idOf(key))));
    expect(stored).toEqual(outcomes.map((one) => one === 'accepted'));
  });

  it('is refused as retryable, with the time when the next day begins', async () => {
    const { deps } = acceptWorld(await createWorld(), { limit: 1 });
    await accept(deps, 'first');

    const refused = await accept(deps, 'second').catch((error) => error);

    expect(refused.opensAt).toBe('2026-04-01T00:00:00.000Z');
    expect(refused.error).toEqual({
      code: 'daily_limit_reached',
      message:
        "This deployment accepts 1 new generation a day (UTC), and today's are used up: try again after 2026-04-01T00:00:00.000Z.",
      retryable: true,
    });
  });

  it('that was accepted gets the same answer again, however full the day is, and counts once', async () => {
    const { deps, counted } = acceptWorld(await createWorld(), { limit: 1 });
    const first = await accept(deps, 'a');

    const again = await Promise.all(Array.from({ length: 10 }, () => accept(deps, 'a')));

    expect(new Set(again)).toEqual(new Set([first]));
    expect(await counted()).toBe(1);
  });

  it('that another delivery accepts after the first look is answered, not refused', async () => {
    const world = await createWorld();
    const { deps, depsOver } = acceptWorld(world, { limit: 1 });
    const slow = depsOver(doFirst(world.table, 'UpdateItemCommand', () => accept(deps, 'a')));

    expect(await accept(slow, 'a')).toBe(idOf('a'));
  });

  it('by several callers at once counts once', async () => {
    const world = await createWorld();
    const { depsOver, deps, pass, counted } = acceptWorld(world, { limit: 10 });
    // Each is counted, and finds that another has been stored just before.
    const slow = depsOver(
      doFirst(world.table, 'PutItemCommand', async () => {
        pass(1);
        await accept(deps, 'a');
      }),
    );

    await accept(slow, 'a');

    expect(await counted()).toBe(1);
  });

  it('whose key another request has used meanwhile is refused, and not counted', async () => {
    const world = await createWorld();
    const { depsOver, deps, counted } = acceptWorld(world, { limit: 10 });
    const slow = depsOver(doFirst(world.table, 'PutItemCommand', () => accept(deps, 'a')));
    const checked = await checkRequest(
      slow,
      { ...requestOf('a'), labels: { another: 'request' } },
      { origin: 'api' },
    );

    const refused = await outcome(
      checked.kind === 'new' ? acceptChecked(slow, checked.checked) : accept(slow, 'a'),
    );

    expect([refused, await counted()]).toEqual(['idempotency_conflict', 1]);
  });

  it('that is killed between counting and storing leaves one count too many, never one too few', async () => {
    const world = await createWorld();
    const { deps, depsOver, counted } = acceptWorld(world, { limit: 2 });
    const dying = depsOver(
      doFirst(world.table, 'PutItemCommand', async () => {
        throw new Error('died');
      }),
    );

    const died = await outcome(accept(dying, 'a'));
    const again = await outcome(accept(deps, 'a'));
    const next = await outcome(accept(deps, 'b'));

    expect([died, again, next]).toEqual(['Error: died', 'accepted', 'daily_limit_reached']);
    expect(await counted()).toBe(2);
  });

  it('costs no further write without a limit, and one with a limit', async () => {
    const written = async (limit?: number) => {
      const world = await createWorld();
      const { depsOver } = acceptWorld(world, { ...(limit && { limit }) });
      const commands: string[] = [];
      await accept(depsOver(noting(world.table, commands)), 'a');
      return commands;
    };

    expect(await written()).toEqual(['GetItem', 'PutItem', 'PutItem']);
    expect(await written(5)).toEqual(['GetItem', 'UpdateItem', 'PutItem', 'PutItem']);
  });
});

describe('a request file under a daily limit', () => {
  const FILE = { bucket: 'photos', key: 'requests/batch.json', version: 'v1' };
  const RESULTS = { bucket: 'photos', key: 'results/batch.json' };
  const FIRST: FileDelivery = { isLast: false, settle: async (outcome) => outcome, hasTime: () => true };
  const file = (count: number) =>
    JSON.stringify(Array.from({ length: count }, (_, n) => ({ model: 'wiro/flux', parameters: { n } })));
  const acceptFile = (deps: Parameters<typeof acceptRequestFile>[0], count: number, version = 'v1') =>
    acceptRequestFile(deps, { ...FILE, version }, file(count), RESULTS, FIRST);
  const codes = (end: Awaited<ReturnType<typeof acceptFile>>) =>
    end.kind === 'rejected' ? end.errors.map(({ code, message }) => [code, message]) : end.ids.length;

  it('is accepted whole or not at all, and the refusal says how many are left', async () => {
    const { deps, counted } = acceptWorld(await createWorld(), { limit: 10 });

    const first = await acceptFile(deps, 6, 'v1');
    const second = await acceptFile(deps, 6, 'v2');
    const third = await acceptFile(deps, 11, 'v3');

    expect([codes(first), codes(second), codes(third)]).toEqual([
      6,
      [
        [
          'daily_limit_reached',
          'This deployment accepts 10 new generations a day (UTC), 4 are left today, and this asks for 6: try again after 2026-04-01T00:00:00.000Z, or split it.',
        ],
      ],
      [
        [
          'daily_limit_reached',
          'This deployment accepts 10 new generations a day (UTC), and this asks for 11: split it over several days.',
        ],
      ],
    ]);
    expect(await counted()).toBe(6);
  });

  it.each([
    ['in the middle', 9],
    // There are twelve requests and twelve states.
    ['before its last', 24],
  ])(
    'whose acceptance was killed %s is accepted whole with the next delivery, however full the day is',
    async (_, nthPut) => {
      const world = await createWorld();
      const { deps, depsOver, counted } = acceptWorld(world, { limit: 12 });
      const breaking = depsOver(breakingAt(world.table, nthPut));

      await expect(acceptFile(breaking, 12)).rejects.toThrow('died');
      const other = await acceptFile(deps, 1, 'v2');
      const again = await acceptFile(deps, 12);

      expect([codes(again), other.kind, await counted()]).toEqual([12, 'rejected', 12]);
    },
  );

  it('delivered twice at once is counted once', async () => {
    const { deps, counted } = acceptWorld(await createWorld(), { limit: 30 });

    const ends = await Promise.all([acceptFile(deps, 5), acceptFile(deps, 5)]);

    expect([ends.map(codes), await counted()]).toEqual([[5, 5], 5]);
  });

  it('with one request, delivered twice at once, is accepted by both and counts once', async () => {
    const world = await createWorld();
    const { deps, depsOver, counted } = acceptWorld(world, { limit: 1 });
    const slow = depsOver(doFirst(world.table, 'UpdateItemCommand', () => acceptFile(deps, 1)));

    expect([codes(await acceptFile(slow, 1)), await counted()]).toEqual([1, 1]);
  });

  it('with the same key twice counts once', async () => {
    const { deps, counted } = acceptWorld(await createWorld(), { limit: 30 });
    const text = JSON.stringify([1, 2].map(() => ({ model: 'wiro/flux', idempotencyKey: 'k' })));

    const end = await acceptRequestFile(deps, FILE, text, RESULTS, FIRST);

    expect([codes(end), await counted()]).toEqual([1, 1]);
  });
});

describe('a retry under a daily limit', () => {
  const unpaid = { ...EXAMPLES.failed, taskEnd: 'failed' } as const;
  const paid = { ...EXAMPLES.failed, taskEnd: 'succeeded' } as const;

  async function retryWorld(standing: Generation) {
    const world = await createWorld();
    const { deps, counted } = acceptWorld(world, { limit: 1 });
    await deps.generations.accept(standing, { model: 'wiro/flux', parameters: {}, inputs: {}, labels: {} });
    const routes = {
      ...deps,
      wiro: {
        task: async () => undefined,
        model: async () => undefined,
        models: async () => ({ models: [] }),
      },
      submit: async () => {},
      collect: async () => {},
      missingSecrets: async () => undefined,
      ahead: async () => 0,
      history: { page: async () => ({ generations: [], readUnits: 0 }) },
      timelines: { read: async () => ({ noted: [], omitted: 0 }) },
      usage: { page: async () => ({ rows: [], readUnits: 0 }) },
      socketUrl: '',
      presign: async () => ({ url: '', expiresAt: '' }),
      presignUpload: () => Promise.reject(new Error('nothing is uploaded')),
    };
    const path = `/generations/${standing.id}/retry`;
    return {
      counted,
      retry: () => answerRequest(routes, { method: 'POST', path, body: Buffer.alloc(0) }),
      accept: () => accept(deps, 'another'),
    };
  }

  it('that runs again is counted, and refused if the day is full', async () => {
    const { retry, accept, counted } = await retryWorld(unpaid);
    await accept();

    const { statusCode, headers } = await retry();

    // It is nine in the evening.
    expect([statusCode, headers]).toEqual([429, { 'retry-after': '10800' }]);
    expect(await counted()).toBe(1);
  });

  it('that collects a paid task again is not counted', async () => {
    const { retry, accept, counted } = await retryWorld(paid);
    await accept();

    expect([(await retry()).statusCode, await counted()]).toEqual([202, 1]);
  });

  it('by two at once is counted once', async () => {
    const { retry, counted } = await retryWorld(unpaid);

    const answers = await Promise.all([retry(), retry()]);

    // The second retry finds it queued, or the day full while the first is under way.
    expect(answers.map(({ statusCode }) => statusCode)).toContain(202);
    expect(await counted()).toBe(1);
  });
});

/** A table that notes its requests. */
function noting(table: Table, commands: string[]): Table {
  const send = (command: Parameters<Table['client']['send']>[0]) => {
    commands.push(command.operation);
    return table.client.send(command);
  };
  return { ...table, client: { send } as unknown as Table['client'] };
}

/** A table whose client is killed with its nth put. */
function breakingAt(table: Table, nth: number): Table {
  let puts = 0;
  const send = async (command: Parameters<Table['client']['send']>[0]) => {
    if (command instanceof PutItemCommand && ++puts >= nth) throw new Error('died');
    return table.client.send(command);
  };
  return { ...table, client: { send } as unknown as Table['client'] };
}

describe('an input of a kind that Wiro refuses', () => {
  const withInput = (key: string) => ({
    ...requestOf('kinds'),
    inputs: {
      image: [{ text: key, source: { kind: 'object' as const, bucket: 'photos', key } }],
    },
  });
  /** A store with an object under every key, with the given Content-Type. */
  const lying = async (contentType?: string) => {
    const { deps } = acceptWorld(await createWorld(), {});
    const head: AcceptDeps['inputs']['head'] = async (ref) => ({
      ...ref,
      etag: '"e"',
      sizeBytes: 5,
      ...(contentType && { contentType }),
    });
    return { ...deps, inputs: { head } };
  };
  const check = (deps: AcceptDeps, key: string) =>
    outcome(checkRequest(deps, withInput(key), { origin: 'api' }));

  it('is refused by its key, or by its Content-Type if the key says nothing', async () => {
    expect(await check(await lying(), 'scan.tif')).toBe('input_unsupported');
    expect(await check(await lying('image/tiff'), 'a-key-without-extension')).toBe('input_unsupported');
  });

  it('passes if only its bytes show it', async () => {
    expect(await check(await lying('binary/octet-stream'), 'a-key-without-extension')).toBe('accepted');
    expect(await check(await lying(), 'photo.jfif')).toBe('accepted');
  });

  it('passes if nothing is uploaded', async () => {
    expect(await check({ ...(await lying()), inputHandover: 'presigned' }, 'scan.tif')).toBe('accepted');
    expect(await check({ ...(await lying()), inputHandover: 'auto' }, 'scan.tif')).toBe('input_unsupported');
  });
});
