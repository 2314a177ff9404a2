import assert from 'node:assert/strict';
import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import { PutItemCommand } from '../../functions/aws/dynamodb.ts';
import type { Generation } from '../../functions/generation/generation.ts';
import { startRetry } from '../../functions/generation/retry.ts';
import { rerun } from '../../functions/generation/transitions/collect.ts';
import { noteLook } from '../../functions/generation/transitions/look.ts';
import type { AcceptedRequest } from '../../functions/request/accepted-request.ts';
import {
  createGenerationStore,
  type GenerationStore,
  type Overflow,
} from '../../functions/store/generation-store.ts';
import { createTaskHints } from '../../functions/store/task-hints.ts';
import { at, EXAMPLES, moment } from '../generation/examples.ts';
import { whenCollecting } from '../generation/when-held.ts';
import { clockAt, doFirst, TABLES, useTables } from './table-world.ts';

// The tests use a server, and the machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

const request: AcceptedRequest = {
  model: 'wiro/flux',
  parameters: { prompt: 'a cat', seed: 7, nested: { list: [1, null, 'x'] }, empty: '' },
  inputs: { image: [{ kind: 'url', text: 'https://a.b/c.png', url: 'https://a.b/c.png' }] },
  labels: { order: '17' },
};

describe.each(TABLES)('the store of generations, in a table of %s:', (kind) => {
  const { createWorld } = useTables(kind);

  async function storeWorld({ largeRequests = new Map<string, string>() } = {}) {
    const world = await createWorld();
    const { clock, pass } = clockAt(at(100));
    const overflow: Overflow = {
      write: async (name, text) => void largeRequests.set(name, text),
      read: async (name) => largeRequests.get(name),
    };
    const store = createGenerationStore(world.table, { overflow, clock });
    return { ...world, store, clock, pass, largeRequests };
  }

  const { id } = EXAMPLES.queued;
  const past = (attempt: number, message = 'm') =>
    ({ attempt, endedAt: at(0), code: 'model_failed', message }) as const;
  const fresh = { ...EXAMPLES.queued, revision: 1 };

  /** An update that counts, so that a lost or repeated one shows. */
  const leaveTrace =
    (name: string) =>
    (current: Generation): Generation => ({
      ...current,
      announcements: [...current.announcements, { eventId: name, type: 'Running', attempt: 1, at: at(0) }],
    });

  describe('a generation', () => {
    it.each(Object.entries(EXAMPLES))('that is %s is read as it was written', async (_, example) => {
      const { store } = await storeWorld();

      await store.accept(example, request);

      expect(await store.get(id)).toEqual(example);
    });

    it('that was never accepted is undefined', async () => {
      const { store } = await storeWorld();

      expect([await store.get(id), await store.whole(id), await store.update(id, (g) => g)]).toEqual([
        undefined,
        undefined,
        { kind: 'missing' },
      ]);
    });
  });

  it('reads a generation though its large request was deleted from S3', async () => {
    const { store, largeRequests } = await storeWorld();
    await store.accept(fresh, { ...request, parameters: { prompt: 'x'.repeat(70_000) } });
    largeRequests.clear();

    expect(await store.whole(id)).toMatchObject({
      generation: fresh,
      request: { model: fresh.model, parameters: {}, inputs: {}, labels: {}, isGone: true },
    });
    await expect(store.request(fresh)).rejects.toThrow('it was deleted from S3');
  });

  describe('accept', () => {
    it('stores the state, and the request under its hash', async () => {
      const { store, sorts } = await storeWorld();

      await store.accept(fresh, request);

      expect(await sorts(`generation#${id}`)).toEqual(['request#hash', 'state']);
      expect(await store.request(fresh)).toEqual(request);
    });

    it.each([0, 70_000])(
      'never changes a request that was accepted (%i bytes): the same again has other inputs',
      async (length) => {
        const { store } = await storeWorld();
        const seen = (etag: string): AcceptedRequest => ({
          ...request,
          parameters: { prompt: 'x'.repeat(length) },
          inputs: { image: [{ kind: 'object', text: 'a', bucket: 'b', key: 'a', etag, sizeBytes: 1 }] },
        });
        await store.accept(fresh, seen('"one"'));

        // The same request at the same time; the object was replaced in between.
        await store.accept({ ...fresh, createdAt: at(1) }, seen('"two"'));

        expect(await store.request(fresh)).toEqual(seen('"one"'));
      },
    );

    it('of a repeated request changes nothing, whatever the state of the generation', async () => {
      const { store } = await storeWorld();
      await store.accept(EXAMPLES.running, request);

      const standing = await store.accept(fresh, request);

      expect(standing).toEqual(EXAMPLES.running);
      expect(await store.get(id)).toEqual(EXAMPLES.running);
    });

    it('of one request by many callers at once makes one generation, which all of them get', async () => {
      const { store } = await storeWorld();
      const given = Array.from({ length: 10 }, (_, n) => ({ ...fresh, createdAt: at(n) }));

      const standing = await Promise.all(given.map((generation) => store.accept(generation, request)));

      const stored = await store.get(id);
      expect(new Set(standing.map(({ createdAt }) => createdAt))).toEqual(new Set([stored?.createdAt]));
    });

    it('of different requests with one key keeps one generation with its own request', async () => {
      const { store } = await storeWorld();
      const given = Array.from({ length: 10 }, (_, n) => ({
        generation: { ...fresh, requestHash: `hash-${n}` },
        request: { ...request, labels: { n: String(n) } },
      }));

      const standing = await Promise.all(given.map((one) => store.accept(one.generation, one.request)));

      const whole = await store.whole(id);
      const winner = whole?.generation.requestHash;
      expect(standing.map(({ requestHash }) => requestHash)).toEqual(standing.map(() => winner));
      expect(`hash-${whole?.request.labels.n}`).toBe(winner);
    });

    // Only a server's answers get lost.
    if (kind === 'dynalite')
      it('whose answer was lost answers what it has written', async () => {
        const { table, connect } = await storeWorld();
        let puts = 0;
        // The answer to the write of the request is lost, and then the answer to the write of the state.
        const client = connect((operation) => operation === 'PutItem' && [1, 3].includes(++puts));

        const standing = await createGenerationStore({ ...table, client }).accept(fresh, request);

        expect(standing).toEqual(fresh);
      });

    it('stores a request over 64 KB elsewhere, and reads it from there', async () => {
      const { store, largeRequests, item } = await storeWorld();
      const large = { ...request, parameters: { prompt: 'ü'.repeat(33_000) } };

      await store.accept(fresh, large);

      expect([...largeRequests.keys()]).toEqual([
        expect.stringMatching(new RegExp(`^${id}/hash-[0-9a-f]{16}\\.json$`)),
      ]);
      expect(await item(`generation#${id}`, 'request#hash')).not.toHaveProperty('body');
      expect(await store.request(fresh)).toEqual(large);
      expect((await store.whole(id))?.request).toEqual(large);
    });

    it('keeps a request just under 64 KB in the table', async () => {
      const { store, largeRequests } = await storeWorld();
      const small = { ...request, parameters: { prompt: 'x'.repeat(65_000) } };

      await store.accept(fresh, small);

      expect([largeRequests.size, await store.request(fresh)]).toEqual([0, small]);
    });
  });

  describe('update', () => {
    it('counts the write and notes its time', async () => {
      const { store } = await storeWorld();
      await store.accept(fresh, request);

      const updated = await store.update(id, leaveTrace('a'));

      expect(updated).toMatchObject({ kind: 'written', generation: { revision: 2, updatedAt: at(100) } });
      expect(await store.get(id)).toEqual('generation' in updated && updated.generation);
    });

    it('writes nothing if nothing changes or the transition is refused', async () => {
      const { store } = await storeWorld();
      await store.accept(fresh, request);

      const same = await store.update(id, (current) => current);
      const refused = await store.update(id, () => undefined);

      expect([same.kind, refused.kind]).toEqual(['unchanged', 'refused']);
      expect(await store.get(id)).toEqual(fresh);
    });

    it('by twenty callers at once loses none and repeats none', async () => {
      const { store } = await storeWorld();
      await store.accept(fresh, request);

      const updates = await Promise.all(
        Array.from({ length: 20 }, (_, n) => store.update(id, leaveTrace(`e${n}`))),
      );

      const standing = await store.get(id);
      const names = standing?.announcements.map(({ eventId }) => eventId) ?? [];
      expect(updates.map(({ kind }) => kind)).toEqual(updates.map(() => 'written'));
      expect(names.toSorted()).toEqual(Array.from({ length: 20 }, (_, n) => `e${n}`).toSorted());
      expect(standing?.revision).toBe(21);
    });

    it('decides again if something changed in between', async () => {
      const { table, store } = await storeWorld();
      await store.accept(fresh, request);
      const slow = doFirst(table, 'PutItemCommand', () => store.update(id, leaveTrace('between')));
      const seen: number[] = [];

      const overtaken = await createGenerationStore(slow).update(id, (current) => {
        seen.push(current.revision);
        return current.announcements.length === 0 ? { ...current, looks: 9 } : undefined;
      });

      expect([overtaken.kind, seen]).toEqual(['refused', [1, 2]]);
      expect(await store.get(id)).toMatchObject({ looks: 3, announcements: [{ eventId: 'between' }] });
    });

    describe('from a generation that was read before', () => {
      async function knownWorld() {
        const { table, store } = await storeWorld();
        const known = await store.accept(fresh, request);
        let isRead = false;
        const noteRead = async () => {
          isRead = true;
        };
        const watched = createGenerationStore(doFirst(table, 'GetItemCommand', noteRead));
        return { store, watched, known, isRead: () => isRead };
      }

      it('reads nothing if nothing has changed', async () => {
        const { store, watched, known, isRead } = await knownWorld();

        const first = await watched.update(known, leaveTrace('a'));
        assert(first.kind === 'written');
        await watched.update(first.generation, leaveTrace('b'));

        expect(isRead()).toBe(false);
        expect(await store.get(id)).toMatchObject({
          revision: 3,
          announcements: [{ eventId: 'a' }, { eventId: 'b' }],
        });
      });

      it('decides again if it has changed since', async () => {
        const { store, watched, known, isRead } = await knownWorld();
        await store.update(id, leaveTrace('between'));

        const updated = await watched.update(known, leaveTrace('late'));

        expect([updated.kind, isRead()]).toEqual(['written', true]);
        expect(await store.get(id)).toMatchObject({
          revision: 3,
          announcements: [{ eventId: 'between' }, { eventId: 'late' }],
        });
      });

      it('reads the current state before it refuses a transition or finds nothing to change', async () => {
        const { store, watched, known } = await knownWorld();
        await store.update(id, leaveTrace('between'));
        const isTold = (current: Generation) => current.announcements.length > 0;

        const wanted = await watched.update(known, (current) =>
          isTold(current) ? { ...current, looks: 9 } : undefined,
        );
        const made = await watched.update(known, (current) =>
          isTold(current) ? { ...current, looks: 10 } : current,
        );
        const refused = await watched.update(known, () => undefined);

        expect([wanted.kind, made.kind, refused.kind]).toEqual(['written', 'written', 'refused']);
        expect('generation' in refused && refused.generation).toMatchObject({ looks: 10, revision: 4 });
      });

      it('is missing if it is gone', async () => {
        const { watched } = await knownWorld();

        const updated = await watched.update(
          { ...fresh, id: 'caaaaaaaaaaaaaaaaaaaaaaaaa' },
          leaveTrace('never'),
        );

        expect(updated).toEqual({ kind: 'missing' });
      });
    });

    if (kind === 'dynalite')
      it('recognises its own write if the answer was lost, and writes once', async () => {
        const { table, connect, store } = await storeWorld();
        await store.accept(fresh, request);
        let losses = 0;
        const client = connect((operation) => operation === 'PutItem' && ++losses === 1);

        const updated = await createGenerationStore({ ...table, client }).update(id, leaveTrace('once'));

        expect(losses).toBe(1);
        expect(updated.kind).toBe('written');
        expect(await store.get(id)).toMatchObject({ revision: 2, announcements: [{ eventId: 'once' }] });
      });

    it('throws if no answer comes at all', async () => {
      const { table, store } = await storeWorld();
      await store.accept(fresh, request);
      const cut = doFirst(table, 'PutItemCommand', async () => {
        throw new Error('unreachable');
      });

      const failing = createGenerationStore(cut).update(id, leaveTrace('never'));

      await expect(failing).rejects.toThrow('unreachable');
      expect(await store.get(id)).toEqual(fresh);
    });
  });

  describe('a past attempt', () => {
    const error = (message: string) =>
      ({ code: 'model_failed', message, field: 'inputs.image', retryable: true }) as const;
    const retry = (store: GenerationStore, seconds: number) =>
      store.update(id, (current) => startRetry(current, false, moment(seconds)));

    it('is whole in an item of its own; the state has only the latest one, in brief', async () => {
      const { store } = await storeWorld();
      const message = `The model failed: ${'x'.repeat(2_000)}`;
      await store.accept({ ...EXAMPLES.failed, error: error('First.'), costUsd: 0.04 }, request);

      await retry(store, 40);
      await store.update(id, (g) => ({ ...EXAMPLES.failed, ...g, status: 'failed', error: error(message) }));
      await retry(store, 50);

      const whole = await store.whole(id);
      expect(whole?.pastAttempts).toEqual([
        {
          attempt: 1,
          taskId: 'task-1',
          endedAt: at(40),
          code: 'model_failed',
          message: 'First.',
          error: error('First.'),
          costUsd: 0.04,
          times: { runAt: at(0), endAt: at(30), announcedAt: at(0) },
        },
        expect.objectContaining({ attempt: 2, endedAt: at(50), message, error: error(message) }),
      ]);
      expect(whole?.generation.pastAttempts).toEqual([
        {
          attempt: 2,
          taskId: 'task-1',
          endedAt: at(50),
          code: 'model_failed',
          message: `The model failed: ${'x'.repeat(101)}…`,
        },
      ]);
    });

    it('is kept if the next write shortens the list of an earlier release', async () => {
      const { store, sorts } = await storeWorld();
      const listed = [past(1, 'one'), past(2, 'two'), past(3, 'x'.repeat(200))];
      await store.accept({ ...EXAMPLES.running, attempt: 4, pastAttempts: listed }, request);

      const before = await store.whole(id);
      await store.update(id, (current) => noteLook(current, moment(60)));
      const after = await store.whole(id);

      expect([before?.pastAttempts, after?.pastAttempts]).toEqual([listed, listed]);
      expect(after?.generation.pastAttempts).toEqual([past(3, `${'x'.repeat(119)}…`)]);
      expect(await sorts(`generation#${id}`)).toEqual([
        'past#1',
        'past#2',
        'past#3',
        'request#hash',
        'state',
      ]);
    });

    it('is not overwritten by a writer that decided on an outdated state', async () => {
      const { table, store, clock } = await storeWorld();
      await store.accept({ ...EXAMPLES.collecting, revision: 1 }, request);
      const seen = await store.update(id, (current) => ({ ...current, looks: 9 }));
      if (seen.kind !== 'written') throw new Error('It was not written');
      const late = createGenerationStore(
        doFirst(table, 'PutItemCommand', async () => {
          await store.update(id, () => ({ ...EXAMPLES.failed, revision: 2, error: error('The true one.') }));
          await retry(store, 40);
        }),
        { clock },
      );

      const refused = await late.update(seen.generation, (current) =>
        whenCollecting(current, 'me', (held) => rerun(held, error('A guess.'), moment(50))),
      );

      expect(refused.kind).toBe('refused');
      expect((await store.whole(id))?.pastAttempts).toMatchObject([{ message: 'The true one.' }]);
    });

    it('is shown if it is one of the latest 20', async () => {
      const { store } = await storeWorld();
      await store.accept(EXAMPLES.failed, request);
      for (let n = 1; n <= 25; n += 1) {
        await retry(store, n);
        await store.update(id, (g) => ({ ...EXAMPLES.failed, ...g, status: 'failed', error: error('m') }));
      }

      const attempts = (await store.whole(id))?.pastAttempts.map(({ attempt }) => attempt);

      expect(attempts).toEqual(Array.from({ length: 20 }, (_, index) => index + 6));
    });
  });

  describe('outputs too many for one item', () => {
    const many = (count: number, name = 'cat') =>
      Array.from({ length: count }, (_, index) => ({
        name: `${name}-${index}.png`,
        bucket: 'outputs',
        key: `outputs/${id}/1/${index}-${name}-${index}.png`,
        contentType: 'image/png',
        sizeBytes: 3,
        sha256: '0'.repeat(64),
      }));

    it('are read as written, and an earlier claim replaces no part of them', async () => {
      const { store, sorts } = await storeWorld();
      await store.accept({ ...EXAMPLES.succeeded, attempt: 1 }, request);
      const outputs = many(4_000);

      const isPut = await store.putOutputs(id, { attempt: 1, revision: 6, outputs });
      const isLatePut = await store.putOutputs(id, { attempt: 1, revision: 5, outputs: many(3_000, 'dog') });

      expect([isPut, isLatePut]).toEqual([true, false]);
      expect((await store.whole(id))?.outputs).toEqual(outputs);
      expect(await store.outputs(id, 1)).toEqual(outputs);
      const all = await sorts(`generation#${id}`);
      expect(all.slice(0, 3)).toEqual(['outputs#1', 'outputs#1#2', 'outputs#1#3']);
    });

    it('are found beyond the first megabyte of a generation', async () => {
      const { store, table } = await storeWorld();
      await store.accept({ ...EXAMPLES.succeeded, attempt: 30 }, request);
      await store.putOutputs(id, { attempt: 30, revision: 6, outputs: many(5_000) });
      for (let attempt = 1; attempt < 30; attempt += 1)
        await table.client.send(
          new PutItemCommand({
            TableName: table.tableName,
            Item: marshall({
              pk: `generation#${id}`,
              sk: `past#${attempt}`,
              version: 1,
              body: JSON.stringify(past(attempt, 'x'.repeat(40_000))),
            }),
          }),
        );

      const whole = await store.whole(id);

      expect(whole?.outputs).toHaveLength(5_000);
      expect(whole?.pastAttempts.map(({ attempt }) => attempt)).toEqual(
        Array.from({ length: 20 }, (_, index) => index + 10),
      );
    });
  });

  describe('the whole of a generation', () => {
    const output = {
      name: 'cat.png',
      bucket: 'outputs',
      key: 'outputs/x/1/0-cat.png',
      contentType: 'image/png',
      sizeBytes: 3,
      sha256: 'abc',
    };

    it('shows the outputs of its current attempt once it has ended', async () => {
      const { store } = await storeWorld();
      await store.accept({ ...EXAMPLES.succeeded, attempt: 2 }, request);
      await store.putOutputs(id, { attempt: 1, revision: 2, outputs: [{ ...output, name: 'old.png' }] });
      await store.putOutputs(id, { attempt: 2, revision: 5, outputs: [{ ...output, name: 'twice.png' }] });
      await store.putOutputs(id, { attempt: 2, revision: 5, outputs: [output] });

      expect(await store.whole(id)).toEqual({
        generation: { ...EXAMPLES.succeeded, attempt: 2 },
        request,
        outputs: [output],
        copiedAt: at(100),
        pastAttempts: [],
        notes: {},
        hints: [],
      });
    });

    it('shows the first and the latest hint of each attempt', async () => {
      const { store, table } = await storeWorld();
      const hints = createTaskHints(table);
      await store.accept({ ...EXAMPLES.failed, attempt: 3 }, request);
      const hint = (attempt: number, taskId: string) => ({ attempt, taskId, seenAt: at(1), proof: 'p' });

      const isFirst = [];
      for (const one of [
        hint(1, 'a'),
        hint(3, 'b'),
        hint(1, 'c'),
        hint(1, 'd'),
        hint(3, 'b'),
        hint(4, 'late'),
      ])
        isFirst.push(await hints.keep(id, one));

      expect(isFirst).toEqual([true, true, false, false, false, true]);
      expect((await store.whole(id))?.hints).toEqual([hint(3, 'b'), hint(1, 'd'), hint(1, 'a')]);
    });

    it('shows no outputs before its end, because they may belong to a failed copy', async () => {
      const { store } = await storeWorld();
      await store.accept(EXAMPLES.collecting, request);
      await store.putOutputs(id, { attempt: 1, revision: 4, outputs: [output] });

      expect((await store.whole(id))?.outputs).toEqual([]);
    });

    it('keeps the outputs of the later claim, whichever is written last', async () => {
      const { store } = await storeWorld();
      await store.accept(EXAMPLES.succeeded, request);

      const later = await store.putOutputs(id, { attempt: 1, revision: 6, outputs: [output] });
      const earlier = await store.putOutputs(id, { attempt: 1, revision: 5, outputs: [] });

      expect([later, earlier]).toEqual([true, false]);
      expect((await store.whole(id))?.outputs).toEqual([output]);
    });

    it('replaces outputs of an earlier release, which have no revision', async () => {
      const { store, table } = await storeWorld();
      await store.accept(EXAMPLES.succeeded, request);
      const earlier = { pk: `generation#${id}`, sk: 'outputs#1', version: 1, body: '[]' };
      await table.client.send(new PutItemCommand({ TableName: table.tableName, Item: marshall(earlier) }));

      expect(await store.putOutputs(id, { attempt: 1, revision: 3, outputs: [output] })).toBe(true);
      expect((await store.whole(id))?.outputs).toEqual([output]);
    });

    it('without its request is an error, not an empty request', async () => {
      const { store } = await storeWorld();
      await store.accept(fresh, request);
      await store.update(id, (current) => ({ ...current, requestHash: 'other' }));

      await expect(store.whole(id)).rejects.toThrow(`Cannot read the request of ${id}`);
      await expect(store.request({ ...fresh, requestHash: 'other' })).rejects.toThrow('its item is missing');
    });
  });

  describe('the indexes', () => {
    const named = (name: string, over: Partial<Generation>) =>
      ({ ...EXAMPLES.queued, id: name.padEnd(26, 'a'), ...over }) as Generation;

    it('list what is due by a time, longest due first, up to a number', async () => {
      const { store } = await storeWorld();
      for (const [name, seconds] of [
        ['b', 20],
        ['c', 10],
        ['d', 30],
        ['e', 31],
      ] as const)
        await store.accept(named(name, { dueAt: at(seconds) }), request);
      const { dueAt: _, ...done } = named('f', {});
      await store.accept(done as Generation, request);

      const ids = (names: string) => [...names].map((name) => name.padEnd(26, 'a'));
      expect((await store.due(at(30), 10)).ids).toEqual(ids('cbd'));
      expect((await store.due(at(30), 2)).ids).toEqual(ids('cb'));
      expect(await store.due(at(9), 10)).toEqual({ ids: [] });
    });

    it('list what is due page by page, beyond what stays due, with what becomes due meanwhile', async () => {
      const { store } = await storeWorld();
      const idOf = (name: string) => name.padEnd(26, 'x');
      for (const [name, seconds] of [
        ['a', 1],
        ['b', 1],
        ['c', 2],
        ['d', 40],
      ] as const)
        await store.accept({ ...fresh, id: idOf(name), dueAt: at(seconds) }, request);

      const first = await store.due(at(30), 1);
      const second = await store.due(at(30), 1, first.next);
      await store.update(idOf('b'), (current) => ({ ...current, dueAt: at(35) }));
      const third = await store.due(at(50), 10, second.next);

      expect([...first.ids, ...second.ids].toSorted()).toEqual([idOf('a'), idOf('b')]);
      expect(third).toEqual({ ids: [idOf('c'), idOf('b'), idOf('d')] });
    });

    it('list what is due from all shards, page by page as from one', async () => {
      const { table, store } = await storeWorld();
      const sharded = createGenerationStore(table, { dueShards: 8 });
      const idOf = (n: number) => `${'abcdefghijklmnopqrst'.charAt(n)}${'x'.repeat(25)}`;
      const numbers = Array.from({ length: 20 }, (_, n) => n);
      // Written in no order, and by both settings.
      for (const n of numbers.toSorted((a, b) => ((a * 7) % 20) - ((b * 7) % 20)))
        await (n % 3 === 0 ? store : sharded).accept({ ...fresh, id: idOf(n), dueAt: at(n) }, request);

      const pages: (readonly string[])[] = [];
      for (let page = await sharded.due(at(100), 6); ; page = await sharded.due(at(100), 6, page.next)) {
        pages.push(page.ids);
        if (page.next === undefined) break;
      }
      const early = await sharded.due(at(4), 10);

      expect(pages.map(({ length }) => length)).toEqual([6, 6, 6, 2]);
      expect(pages.flat()).toEqual(numbers.map(idOf));
      expect(early.ids).toEqual([0, 1, 2, 3, 4].map(idOf));
    });

    it('read the shards that the setting does not write to every ten minutes', async () => {
      const { table, store } = await storeWorld();
      const sharded = createGenerationStore(table, { dueShards: 8 });
      const [inFirst, inSeventh] = ['a', 'g'].map((digit) => digit.repeat(26));
      for (const id of [inFirst, inSeventh])
        await sharded.accept({ ...fresh, id: id ?? '', dueAt: at(0) }, request);
      const minutes = [0, 1, 9, 10, 19, 20];

      const listed = await Promise.all(minutes.map((minute) => store.due(at(minute * 60 + 59), 10)));

      const both = [inFirst, inSeventh];
      expect(listed.map(({ ids }) => ids.toSorted())).toEqual([
        both,
        [inFirst],
        [inFirst],
        both,
        [inFirst],
        both,
      ]);
    });

    it('read them too if a run comes a moment after the tenth minute, and all pages of one list', async () => {
      const { table, store } = await storeWorld();
      const sharded = createGenerationStore(table, { dueShards: 8 });
      const [inFirst = '', inSeventh = ''] = ['a', 'g'].map((digit) => digit.repeat(26));
      await sharded.accept({ ...fresh, id: inFirst, dueAt: at(0) }, request);
      await sharded.accept({ ...fresh, id: inSeventh, dueAt: at(1) }, request);
      const minute = 60;

      const ordinary = await store.due(at(5 * minute), 10);
      const late = await store.due(at(15 * minute), 1);
      const lateToo = await store.due(at(16 * minute), 1, late.next);

      expect([ordinary.ids, late.ids, lateToo.ids]).toEqual([[inFirst], [inFirst], [inSeventh]]);
    });

    it('show a claimed generation with its status before the claim, if all shards are written to', async () => {
      const { table, store, item } = await storeWorld();
      const sharded = createGenerationStore(table, { dueShards: 8 });
      const { submitting, marked, collecting } = EXAMPLES;
      const claimed = [submitting, marked, collecting].map((one, n) => ({
        ...one,
        id: String(n + 2).repeat(26),
        revision: 1,
      }));

      for (const one of claimed) await sharded.accept(one, request);
      const states = claimed.map(({ id }) => item(`generation#${id}`, 'state'));
      const read = await Promise.all(claimed.map(({ id }) => store.get(id)));
      const whole = await store.whole('2'.repeat(26));
      for (const { id } of claimed) await store.update(id, (current) => ({ ...current, looks: 9 }));
      const exact = claimed.map(({ id }) => item(`generation#${id}`, 'state'));

      expect((await Promise.all(states)).map((state) => [state?.status, state?.version])).toEqual([
        ['queued', 2],
        ['queued', 2],
        ['running', 2],
      ]);
      expect(read).toEqual(claimed);
      expect(whole?.generation).toEqual(claimed[0]);
      expect((await Promise.all(exact)).map((state) => [state?.status, state?.version])).toEqual([
        ['submitting', 1],
        ['submitting', 1],
        ['collecting', 1],
      ]);
    });

    it('take what is due from one shard to another with its next write, and list it once', async () => {
      const { table, store, item } = await storeWorld();
      const sharded = createGenerationStore(table, { dueShards: 8 });
      const id = 'g'.repeat(26);
      const shardOf = async () => (await item(`generation#${id}`, 'state'))?.dueShard;
      await store.accept({ ...fresh, id }, request);
      const shards = [await shardOf()];
      for (const one of [sharded, store]) {
        await one.update(id, (current) => ({ ...current, looks: current.looks + 1 }));
        shards.push(await shardOf());
        expect((await one.due(at(600), 10)).ids).toEqual([id]);
      }

      expect(shards).toEqual(['0', '6', '0']);
    });

    it('count the generations that wait before one, up to a number', async () => {
      const { store } = await storeWorld();
      const nth = (n: number) => ({
        ...fresh,
        id: String(n).padStart(26, 'x'),
        createdAt: at(n),
        waiting: true,
      });
      for (const n of [1, 2, 3, 4]) await store.accept(nth(n), request);
      await store.accept({ ...nth(0), waiting: false }, request);

      expect(await Promise.all([1, 3, 5].map((n) => store.ahead(nth(n), 1_000)))).toEqual([0, 2, 4]);
      expect(await store.ahead(nth(5), 3)).toBe(3);
    });

    it('do not list what is no longer due', async () => {
      const { store } = await storeWorld();
      await store.accept(fresh, request);

      await store.update(id, (current) => ({ ...current, dueAt: at(1_000) }));
      const later = await store.due(at(999), 10);
      const then = await store.due(at(1_000), 10);

      expect([later.ids, then.ids]).toEqual([[], [id]]);
    });

    it('list waiting generations, oldest first, from a position in the line on, until they are claimed', async () => {
      const { store } = await storeWorld();
      for (const [name, seconds] of [
        ['b', 20],
        ['c', 10],
        ['d', 30],
      ] as const)
        await store.accept(named(name, { createdAt: at(seconds), waiting: true }), request);
      await store.accept(named('e', { createdAt: at(5) }), request);

      const all = await store.waiting(10);
      const some = await store.waiting(1, `${at(20)}#`);
      await store.update('caaaaaaaaaaaaaaaaaaaaaaaaa', () => ({
        ...EXAMPLES.submitting,
        id: all[0]?.id ?? '',
      }));
      const left = await store.waiting(10);

      expect(all.map(({ queueKey }) => queueKey)).toEqual([
        '2026-01-01T12:00:10.000Z#caaaaaaaaaaaaaaaaaaaaaaaaa',
        '2026-01-01T12:00:20.000Z#baaaaaaaaaaaaaaaaaaaaaaaaa',
        '2026-01-01T12:00:30.000Z#daaaaaaaaaaaaaaaaaaaaaaaaa',
      ]);
      expect(some.map((one) => one.id[0])).toEqual(['b']);
      expect(left.map((one) => one.id[0])).toEqual(['b', 'd']);
    });

    it('add nothing to the generation that is read', async () => {
      const { store, item } = await storeWorld();
      await store.accept(EXAMPLES.failed, request);

      const stored = await item(`generation#${id}`, 'state');

      expect(stored).toMatchObject({ historyMonth: '2026-01', errorCode: 'model_failed' });
      expect(Object.keys((await store.get(id)) ?? {}).toSorted()).toEqual(
        Object.keys(EXAMPLES.failed).toSorted(),
      );
    });
  });
});
