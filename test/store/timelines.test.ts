import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import { type Item as BilledItem, writeUnits } from '../../bench/consumed-capacity.ts';
import { getTimeline } from '../../functions/api/get-timeline.ts';
import { type AttributeValue, GetItemCommand, PutItemCommand } from '../../functions/aws/dynamodb.ts';
import { createCallbackStores } from '../../functions/compose/callback-stores.ts';
import type { Generation } from '../../functions/generation/generation.ts';
import { startRetry } from '../../functions/generation/retry.ts';
import { entriesToNote } from '../../functions/generation/timeline-entries.ts';
import { accept } from '../../functions/generation/transitions/accept.ts';
import { claimToCollect, collectLater, lookLater } from '../../functions/generation/transitions/collect.ts';
import { cancel, fail, succeed } from '../../functions/generation/transitions/end.ts';
import { strikeOff } from '../../functions/generation/transitions/look.ts';
import { noteCallback } from '../../functions/generation/transitions/note-callback.ts';
import { requestCancel } from '../../functions/generation/transitions/request-cancel.ts';
import { claimToSubmit, mark, requeue, startRunning } from '../../functions/generation/transitions/submit.ts';
import { log } from '../../functions/runtime/log.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { createAttemptNotesStore } from '../../functions/store/attempt-notes.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import { createGenerationStore } from '../../functions/store/generation-store.ts';
import { createTimelines } from '../../functions/store/timelines.ts';
import { at, EXAMPLES } from '../generation/examples.ts';
import { whenCollecting, whenSubmitting } from '../generation/when-held.ts';
import { clientOf, runRequest, wiroThatAnswers } from '../wiro/server.ts';
import { createMemoryTable, type Item } from './memory-table.ts';
import { clockAt, TABLES, useTables } from './table-world.ts';

const TROUBLE = {
  since: at(0),
  firstAt: {},
  count: 1,
  code: 'upstream_unavailable',
  message: 'Wiro is away.',
} as const;
const ID = 'abcdefghijklmnopqrstuvwxyz';
const OUTPUT = {
  name: 'a.png',
  bucket: 'outputs',
  key: 'outputs/a.png',
  contentType: 'image/png',
  sizeBytes: 3,
  sha256: 'abc',
};

/** Creates generations and their timelines, in a new table each. */
function useTimelines(kind: (typeof TABLES)[number]) {
  const { createWorld } = useTables(kind);
  return async function timelineWorld() {
    const world = await createWorld();
    const { clock, pass } = clockAt(at(0));
    // A busy machine is slow, and nothing is to be missed for it.
    const timelines = createTimelines(world.table, { patienceMs: 60_000 });
    const store = createGenerationStore(world.table, { clock, noteChange: timelines.note });
    const moment = () => ({ now: clock().toISOString(), durations: DURATIONS });
    await store.accept(
      accept(
        { id: ID, deployment: 'shop', origin: 'api', model: 'wiro/flux', requestHash: 'hash' },
        moment(),
      ),
      { model: 'wiro/flux', parameters: {}, inputs: {}, labels: {} },
    );
    type Moment = ReturnType<typeof moment>;
    /** One transition, a second after the last. */
    const step = async (decide: (current: Generation, moment: Moment) => Generation | undefined) => {
      pass(1_000);
      const { kind } = await store.update(ID, (current) => decide(current, moment()));
      if (kind !== 'written') throw new Error(`Not written: ${kind}`);
    };
    const run = async () => {
      await step((current, now) => claimToSubmit(current, 'h', now));
      await step((current, now) =>
        whenSubmitting(current, 'h', (held) => mark(held, { reusedUploads: false }, now)),
      );
      await step((current, now) => {
        const started = { startedAt: now.now, reusedUploads: false, searches: 0 };
        const marked = 'run' in current && current.run ? current.run : started;
        return startRunning(current, marked, current.attempt, { id: `task-${current.attempt}` }, now);
      });
    };
    const collect = () => step((current, now) => claimToCollect(current, 'h', now));
    const strike = () =>
      step((current) =>
        strikeOff(
          current,
          current.announcements.map(({ eventId }) => eventId),
        ),
      );
    const timeline = async () => {
      const whole = await store.whole(ID);
      if (whole === undefined) throw new Error('It is gone');
      return await getTimeline({ timelines }, whole);
    };
    return { ...world, store, timelines, step, run, collect, strike, timeline, pass };
  };
}

/** An image from its request to its announcement. Nothing disturbs it. */
async function goStraight({
  run,
  collect,
  step,
  strike,
  store,
}: Awaited<ReturnType<ReturnType<typeof useTimelines>>>) {
  await run();
  await step((current, now) => noteCallback(current, 1, 'task-1', now));
  await collect();
  const { revision = 0 } = (await store.get(ID)) ?? {};
  await store.putOutputs(ID, { attempt: 1, revision, outputs: [OUTPUT] });
  await step((current, now) => whenCollecting(current, 'h', (held) => succeed(held, {}, now)));
  await strike();
}

describe.each(TABLES)('timelines, in a table of %s:', (kind) => {
  const timelineWorld = useTimelines(kind);

  it('keeps tries, looks, repeated callbacks, and the attempts before a retry', async () => {
    const { run, collect, step, strike, timeline, table } = await timelineWorld();
    const away = { code: 'upstream_unavailable', message: 'Wiro is away.' } as const;
    for (let tries = 0; tries < 2; tries += 1) {
      await step((current, now) => claimToSubmit(current, 'h', now));
      await step((current, now) => whenSubmitting(current, 'h', (held) => requeue(held, away, now)));
    }
    await run();
    await createAttemptNotesStore(table).joinedLine(ID, 1, at(5));
    await collect();
    await step((current, now) =>
      whenCollecting(current, 'h', (held) => lookLater(held, { callbackKnown: undefined }, now)),
    );
    await step((current, now) => noteCallback(current, 1, 'task-1', now));
    await step((current, now) => noteCallback(current, 1, 'task-1', now));
    await collect();
    await step((current, now) => whenCollecting(current, 'h', (held) => collectLater(held, away, now)));
    await step((current, now) => requestCancel(current, now));
    await collect();
    await step((current, now) =>
      whenCollecting(current, 'h', (held) => cancel(held, { taskEnd: 'cancelled' }, now)),
    );
    await strike();
    await step((current, now) => startRetry(current, false, now));
    await run();

    const { entries } = await timeline();

    expect(entries).toEqual([
      { at: at(0), attempt: 1, what: 'accepted' },
      { at: at(2), attempt: 1, what: 'try', ...away },
      { at: at(4), attempt: 1, what: 'try', code: 'upstream_unavailable' },
      { at: at(5), attempt: 1, what: 'line' },
      { at: at(6), attempt: 1, what: 'run', taskId: 'task-1' },
      { at: at(9), attempt: 1, what: 'look' },
      { at: at(10), attempt: 1, what: 'callback', taskId: 'task-1' },
      { at: at(11), attempt: 1, what: 'callback', taskId: 'task-1' },
      { at: at(13), attempt: 1, what: 'try', ...away },
      { at: at(14), attempt: 1, what: 'cancel' },
      { at: at(16), attempt: 1, what: 'end', code: 'cancelled', message: 'It was cancelled.' },
      { at: at(17), attempt: 1, what: 'announced' },
      { at: at(18), attempt: 2, what: 'accepted' },
      { at: at(20), attempt: 2, what: 'run', taskId: 'task-2' },
    ]);
  });

  it('keeps what two writers note at once, and counts what is beyond the most that it keeps', async () => {
    const { table, timelines, timeline } = await timelineWorld();
    const standing = { pk: `generation#${ID}`, sk: 'entries#1', version: 1, noted: 96 };
    await table.client.send(new PutItemCommand({ TableName: table.tableName, Item: marshall(standing) }));
    const write = async (first: number) => {
      for (let count = first; count <= 10; count += 2) {
        const before = { ...EXAMPLES.queued, id: ID, updatedAt: at(count) };
        await timelines.note(before, { ...before, trouble: { ...TROUBLE, count } });
      }
    };

    await Promise.all([write(1), write(2)]);

    const { entries, truncated } = await timeline();
    expect(entries.filter(({ what }) => what === 'try')).toHaveLength(4);
    expect(truncated).toBe(6);
  });
});

describe('timelines', () => {
  const timelineWorld = useTimelines('memory');

  it('an undisturbed generation has its whole timeline without an item of its own', async () => {
    const world = await timelineWorld();
    await goStraight(world);

    const { entries, truncated } = await world.timeline();

    expect(entries).toEqual([
      { at: at(0), attempt: 1, what: 'accepted' },
      { at: at(2), attempt: 1, what: 'run', taskId: 'task-1' },
      { at: at(4), attempt: 1, what: 'callback', taskId: 'task-1' },
      { at: at(5), attempt: 1, what: 'copy', outputs: 1 },
      { at: at(6), attempt: 1, what: 'end' },
      { at: at(7), attempt: 1, what: 'announced' },
    ]);
    expect(truncated).toBeUndefined();
    expect(await world.item(`generation#${ID}`, 'entries#1')).toBeUndefined();
  });

  it('a retry that collects the task of the attempt before sends no Run', async () => {
    const { run, collect, step, strike, timeline } = await timelineWorld();
    await run();
    for (const _ of [1, 2]) {
      await collect();
      const error = { code: 'output_unavailable', message: 'It was not there.', retryable: true } as const;
      await step((current, now) =>
        whenCollecting(current, 'h', (held) => fail(held, error, { taskEnd: 'succeeded' }, now)),
      );
      await strike();
      await step((current, now) => startRetry(current, false, now));
    }

    const { entries } = await timeline();

    const attempts = [1, 2, 3].map((attempt) => entries.filter((entry) => entry.attempt === attempt));
    expect(attempts.map((attempt) => attempt.map(({ what }) => what))).toEqual([
      ['accepted', 'run', 'end', 'announced'],
      ['accepted', 'end', 'announced'],
      ['accepted'],
    ]);
  });

  it('shows the attempts that a record shows, after any number of retries', async () => {
    const { step, strike, timeline, timelines, store } = await timelineWorld();
    for (let attempt = 1; attempt <= 30; attempt += 1) {
      const { queued } = EXAMPLES;
      await timelines.note(
        { ...queued, id: ID, attempt },
        { ...queued, id: ID, attempt, updatedAt: (await store.get(ID))?.updatedAt ?? '', trouble: TROUBLE },
      );
      await step((current, now) => requestCancel(current, now));
      await strike();
      await step((current, now) => startRetry(current, false, now));
    }

    const { entries } = await timeline();

    const tries = entries.filter(({ what }) => what === 'try').map(({ attempt }) => attempt);
    expect(tries).toEqual(Array.from({ length: 20 }, (_, index) => index + 11));
    expect(new Set(entries.map(({ attempt }) => attempt)).size).toBe(22); // with its first acceptance
  });

  it('reads what earlier releases stored: less, and nothing of it is wrong', async () => {
    const world = await timelineWorld();
    await goStraight(world);
    const { table, timeline, item } = world;
    /** Stores an item as a release without timelines does. */
    const put = (one: Item) =>
      table.client.send(new PutItemCommand({ TableName: table.tableName, Item: marshall(one) }));
    const { copiedAt, ...outputs } = (await item(`generation#${ID}`, 'outputs#1')) ?? {};
    await put(outputs);
    const { entries } = await timeline();

    expect(copiedAt).toBe(at(5));
    expect(entries.map(({ what }) => what)).toEqual(['accepted', 'run', 'callback', 'end', 'announced']);
  });

  it('notes a repeated write once', async () => {
    const { timelines, timeline } = await timelineWorld();
    const { queued } = EXAMPLES;
    const next = { ...queued, id: ID, updatedAt: at(3), trouble: TROUBLE };

    for (const _ of [1, 2]) await timelines.note({ ...queued, id: ID }, next);

    const { entries } = await timeline();
    expect(entries.filter(({ what }) => what === 'try')).toEqual([
      { at: at(3), attempt: 1, what: 'try', code: 'upstream_unavailable', message: 'Wiro is away.' },
    ]);
  });
});

describe('write units', () => {
  /** Those of one generation, whose task is looked at so many times before it ends. */
  async function unitsOf(looks: number, isNoted: boolean): Promise<number> {
    const { table, units } = countUnits();
    const { clock, pass } = clockAt(at(0));
    const notes = isNoted && { noteChange: createTimelines(table).note };
    const store = createGenerationStore(table, { clock, ...notes });
    const moment = () => ({ now: clock().toISOString(), durations: DURATIONS });
    const names = {
      id: ID,
      deployment: 'shop',
      origin: 'api',
      model: 'wiro/flux',
      requestHash: 'hash',
    } as const;
    await store.accept(accept(names, moment()), {
      model: 'wiro/flux',
      parameters: {},
      inputs: {},
      labels: {},
    });
    const step = async (decide: (current: Generation) => Generation | undefined) => {
      pass(1_000);
      await store.update(ID, decide);
    };
    const run = { startedAt: at(0), reusedUploads: false, searches: 0 };
    await step((current) => claimToSubmit(current, 'h', moment()));
    await step((current) =>
      whenSubmitting(current, 'h', (held) => mark(held, { reusedUploads: false }, moment())),
    );
    await step((current) => startRunning(current, run, 1, { id: 'task-1' }, moment()));
    for (let look = 0; look < looks; look += 1) {
      await step((current) => claimToCollect(current, 'h', moment()));
      await step((current) =>
        whenCollecting(current, 'h', (held) => lookLater(held, { callbackKnown: undefined }, moment())),
      );
    }
    await step((current) => noteCallback(current, 1, 'task-1', moment()));
    await step((current) => claimToCollect(current, 'h', moment()));
    const { revision = 0 } = (await store.get(ID)) ?? {};
    await store.putOutputs(ID, { attempt: 1, revision, outputs: [OUTPUT] });
    await step((current) => whenCollecting(current, 'h', (held) => succeed(held, {}, moment())));
    await step((current) => strikeOff(current, [`${ID}.1.running`, `${ID}.1.succeeded`]));
    expect((await store.get(ID))?.announcements).toEqual([]);
    return units();
  }

  it('an undisturbed generation costs none for its timeline, and a look at a long task one', async () => {
    const more = async (looks: number) => (await unitsOf(looks, true)) - (await unitsOf(looks, false));

    expect([await more(0), await more(1), await more(8)]).toEqual([0, 1, 8]);
  });
});

describe('a table that is slow for timelines', () => {
  /** Answers nothing about timelines, and does not stop when it is told to. */
  function slowWorld() {
    const items = new Map<string, Item>();
    const table = createMemoryTable(undefined, items);
    const send: Table['client']['send'] = (command) => {
      const { Key } = command.input as { readonly Key?: Record<string, AttributeValue> };
      return Key?.sk?.S?.startsWith('entries#') ? new Promise<never>(() => {}) : table.client.send(command);
    };
    return { ...table, client: { send } };
  }

  it('holds up a change for half a second', async () => {
    const warned = vi.spyOn(log, 'warn').mockReturnValue(undefined);
    const { queued } = EXAMPLES;

    const startedAt = performance.now();
    await createTimelines(slowWorld()).note(queued, { ...queued, trouble: TROUBLE });

    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(warned).toHaveBeenCalledOnce();
    warned.mockRestore();
  });

  it('does not hold up the answer to a repeated callback', async () => {
    const warned = vi.spyOn(log, 'warn').mockReturnValue(undefined);
    const table = slowWorld();
    const { generations } = createCallbackStores({ table, dueShards: 1 });
    await createGenerationStore(table).accept(
      { ...EXAMPLES.running, callback: { seenAt: at(1) } },
      { model: 'wiro/flux', parameters: {}, inputs: {}, labels: {} },
    );

    // It is noted, and nothing was given up yet.
    const { kind } = await generations.update(EXAMPLES.running.id, (current) =>
      noteCallback(current, 1, 'task-1', { now: at(2), durations: DURATIONS }),
    );

    expect(kind).toBe('written');
    expect(warned).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(warned).toHaveBeenCalledOnce(), { timeout: 5_000 });
    warned.mockRestore();
  });
});

it('the change stands though its entry cannot be noted', async () => {
  const warned = vi.spyOn(log, 'warn').mockReturnValue(undefined);
  const client = { send: () => Promise.reject(new Error('DynamoDB is away')) };
  const table = { client, tableName: 't' } as unknown as Table;
  const { queued } = EXAMPLES;

  await createTimelines(table).note(queued, { ...queued, trouble: TROUBLE });

  expect(warned).toHaveBeenCalledOnce();
  warned.mockRestore();
});

it('an item of a newer release is left alone', async () => {
  const warned = vi.spyOn(log, 'warn').mockReturnValue(undefined);
  const { queued } = EXAMPLES;
  const newer = { pk: `generation#${queued.id}`, sk: 'entries#1', version: 2, noted: 1_000 };
  const items = new Map<string, Item>([[`${newer.pk} ${newer.sk}`, newer]]);

  await createTimelines(createMemoryTable(undefined, items)).note(queued, { ...queued, trouble: TROUBLE });

  expect([...items.values()]).toEqual([newer]);
  expect(warned).toHaveBeenCalledOnce();
  warned.mockRestore();
});

it('a repeated callback is noted by the function that receives callbacks', async () => {
  const table = createMemoryTable();
  const { generations } = createCallbackStores({ table, dueShards: 1 });
  await createGenerationStore(table).accept(
    { ...EXAMPLES.running, callback: { seenAt: at(1) } },
    { model: 'wiro/flux', parameters: {}, inputs: {}, labels: {} },
  );

  await generations.update(EXAMPLES.running.id, (current) =>
    noteCallback(current, 1, undefined, { now: at(2), durations: DURATIONS }),
  );

  // Nobody waits for the note.
  await vi.waitFor(async () => {
    const { noted } = await createTimelines(table).read(EXAMPLES.running);
    expect(noted).toEqual([{ at: at(1), attempt: 1, what: 'callback' }]);
  });
});

it('a message from outside stands in it as elsewhere: without query, signature and path of a result', async () => {
  const signature = '0123456789abcdef'.repeat(4);
  const message = `Busy: https://cb.example/shop/g/1/${signature}?key=secret and https://cdn1.wiro.ai/a1b2/out.png`;
  const { apiUrl } = await wiroThatAnswers({ result: false, errors: [{ code: 0, message }] }, 429);
  const outcome = await clientOf(apiUrl).run(runRequest());
  if (outcome.kind !== 'notRun') throw new Error(`Not expected: ${outcome.kind}`);

  const held = requeue(
    EXAMPLES.submitting,
    { code: 'upstream_unavailable', message: outcome.message },
    { now: at(1), durations: DURATIONS },
  );
  const [entry] = held === undefined ? [] : entriesToNote(EXAMPLES.submitting, held);

  expect(entry).toMatchObject({
    what: 'try',
    message: expect.stringContaining('https://cb.example/shop/g/1/…'),
  });
  expect(entry?.message).not.toMatch(/0123|secret|out\.png/);
});

/** A table in memory that counts what DynamoDB would bill for its writes. */
function countUnits() {
  const items = new Map<string, Item>();
  const table = createMemoryTable(undefined, items);
  let units = 0;
  const stored = (name: string): BilledItem | undefined => {
    const item = items.get(name);
    return item && (marshall(item) as unknown as BilledItem);
  };
  const send = async (command: {
    input: { Key?: Record<string, AttributeValue>; Item?: Record<string, AttributeValue> };
  }) => {
    const key = command.input.Item ?? command.input.Key;
    const name = `${key?.pk?.S} ${key?.sk?.S}`;
    const before = stored(name);
    const answer = await table.client.send(command as GetItemCommand);
    if (!(command instanceof GetItemCommand)) units += writeUnits(before, stored(name));
    return answer;
  };
  return { table: { ...table, client: { send } as unknown as Table['client'] }, units: () => units };
}
