import { PutObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AnnounceDeps, announce } from '../../functions/events/announce.ts';
import { type BusEvent, EventsRejectedError } from '../../functions/events/put-events.ts';
import type { Generation, Output } from '../../functions/generation/generation.ts';
import { startRetry } from '../../functions/generation/retry.ts';
import { createJsonObjects, type JsonObjects } from '../../functions/objects/json-object.ts';
import type { AcceptedRequest } from '../../functions/request/accepted-request.ts';
import { log } from '../../functions/runtime/log.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { createAttemptNotesStore } from '../../functions/store/attempt-notes.ts';
import { createGenerationStore } from '../../functions/store/generation-store.ts';
import { createUsageCounter } from '../../functions/store/usage-counter.ts';
import { createUsageReader } from '../../functions/store/usage-reader.ts';
import { at, EXAMPLES, moment } from '../generation/examples.ts';
import { BUCKET, type S3World, startS3World } from '../objects/s3-world.ts';
import { createMemoryTable } from '../store/memory-table.ts';
import { createEventCheck } from './event-schemas.ts';

let s3: S3World;
beforeAll(async () => {
  s3 = await startS3World();
});
afterAll(() => s3.stop());

const alarms: unknown[] = [];
beforeEach(() => {
  alarms.length = 0;
  vi.spyOn(log, 'warn').mockReturnValue(undefined);
  vi.spyOn(log, 'error').mockImplementation((message, facts, measured) => {
    alarms.push([message, facts?.sink, facts?.writtenTo, facts?.alarm, measured]);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const { id } = EXAMPLES.succeeded;
const announcement = (type: 'Running' | 'Succeeded' | 'Failed', attempt = 1) =>
  ({ eventId: `${id}.${attempt}.${type.toLowerCase()}`, type, attempt, at: at(30) }) as const;
const request: AcceptedRequest = { model: 'wiro/flux', parameters: {}, inputs: {}, labels: { order: '17' } };
const output = (index: number): Output => ({
  name: `${index}.png`,
  bucket: BUCKET,
  key: `outputs/${id}/1/${index}-${index}.png`,
  contentType: 'image/png',
  sizeBytes: 3,
  sha256: '0'.repeat(64),
});
const SUCCEEDED: Generation = {
  ...EXAMPLES.succeeded,
  announcements: [announcement('Succeeded')],
  dueAt: at(35),
};

let places = 0;

/** A generation with pending announcements, and the bus and the files that receive them. */
async function announceWorld({
  generation = SUCCEEDED,
  isFromFile = true,
}: {
  readonly generation?: Generation;
  readonly isFromFile?: boolean;
} = {}) {
  places += 1;
  const place = { bucket: BUCKET, key: `results/batch-${places}.json/of-this-put.json`, index: 0, total: 2 };
  const table = createMemoryTable();
  let seconds = 40;
  const clock = () => new Date(at(seconds));
  const generations = createGenerationStore(table, { clock });
  const notes = createAttemptNotesStore(table);
  await generations.accept(generation, { ...request, ...(isFromFile && { results: place }) });
  const events: BusEvent[] = [];
  const json = createJsonObjects({ client: s3.client });
  const usage = createUsageCounter(table, { labelNames: ['order'], clock });
  const failing: { bus?: unknown; update?: unknown; write?: unknown; page?: unknown; usage?: unknown } = {};
  const results: Pick<JsonObjects, 'update' | 'write' | 'writePage'> = {
    update: async (...given) => {
      if (failing.update !== undefined) throw failing.update;
      return json.update(...given);
    },
    write: async (...given) => {
      if (failing.write !== undefined) throw failing.write;
      return json.write(...given);
    },
    writePage: async (...given) => {
      if (failing.page !== undefined) throw failing.page;
      return json.writePage(...given);
    },
  };
  const deps: AnnounceDeps = {
    generations,
    notes,
    putEvents: async (given) => {
      if (failing.bus !== undefined) throw failing.bus;
      events.push(...given);
    },
    results,
    usage: {
      count: async (end) => {
        if (failing.usage !== undefined) throw failing.usage;
        await usage.count(end);
      },
    },
    inputBucket: BUCKET,
    outputBucket: BUCKET,
    resultsPrefix: 'results/',
    durations: DURATIONS,
    clock,
  };
  return {
    deps,
    generations,
    notes,
    events,
    failing,
    place,
    used: async () => {
      const day = at(0).slice(0, 10);
      return (await createUsageReader(table).page({ from: day, to: day })).rows;
    },
    types: () => events.map(({ detailType }) => detailType),
    read: async (key: string) => JSON.parse(String(await s3.bytesOf(key))) as unknown,
    /** Repeats `announce` as `reconcile` does: every quarter of an hour for a day, while an announcement is pending. */
    async lookFor(looks: number) {
      for (let look = 0; look < looks; look += 1) {
        await announce(deps, id).catch(() => undefined);
        seconds += 900;
      }
    },
    left: async () => {
      const { announcements, dueAt } = (await generations.get(id)) ?? {};
      return { announcements: announcements?.map(({ eventId }) => eventId), isDue: dueAt !== undefined };
    },
  };
}

const NOTHING = { announcements: [], isDue: false };
const away = () => new Error('S3 answered 503');
const denied = () =>
  new S3ServiceException({
    name: 'AccessDenied',
    message: 'Access Denied',
    $fault: 'client',
    $metadata: { httpStatusCode: 403 },
  });

describe('an end', () => {
  it('goes to the bus and to the results file, which counts the pending ones', async () => {
    const { deps, events, read, place, left } = await announceWorld();

    await announce(deps, id);

    expect(events).toMatchObject([
      { detailType: 'Generation Succeeded', detail: { id, attempt: 1, taskId: 'task-1', costUsd: 0.04 } },
    ]);
    expect(await read(place.key)).toMatchObject({
      total: 2,
      pending: 1,
      results: [{ index: 0, id, status: 'succeeded', labels: { order: '17' } }],
    });
    expect(await left()).toEqual(NOTHING);
  });

  it('whose delivery is slower than a whole retry does not replace the end of the retry', async () => {
    const outputFolder = 'outputs/portraits/slow.png-x/';
    const generation = { ...EXAMPLES.failed, outputFolder, announcements: [announcement('Failed')] };
    const { deps, generations, read, place, left } = await announceWorld({ generation });
    const isHeld = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const update: JsonObjects['update'] = async (...given) => {
      isHeld.resolve();
      await goOn.promise;
      await deps.results.update(...given);
    };
    const slow = announce({ ...deps, results: { ...deps.results, update } }, id);
    await isHeld.promise;
    const retried = { ...SUCCEEDED, attempt: 2, outputFolder, announcements: [announcement('Succeeded', 2)] };
    await generations.update(id, ({ revision }) => ({ ...retried, revision }));
    await announce(deps, id);

    goOn.resolve();
    await slow;

    expect(await read(`${outputFolder}result.json`)).toMatchObject({ status: 'succeeded' });
    expect(await read(place.key)).toMatchObject({ results: [{ id, attempt: 2, status: 'succeeded' }] });
    expect(await left()).toEqual(NOTHING);
  });

  it('of a generation from an earlier release goes where that release would have written it', async () => {
    const { deps, generations, read } = await announceWorld({ isFromFile: false });
    const old = { ...SUCCEEDED, id: 'b'.repeat(26) };
    const results = { bucket: BUCKET, key: 'results/old.json', index: 3 };
    await generations.accept(old, { ...request, results });
    await s3.client.send(
      new PutObjectCommand({
        Bucket: BUCKET,
        Key: results.key,
        Body: `\uFEFF${JSON.stringify({ results: [{ index: 1, id: 'x' }] })}`,
      }),
    );

    await announce(deps, old.id);

    expect(await read(results.key)).toMatchObject({ results: [{ index: 1 }, { index: 3, id: old.id }] });
    expect(await read(results.key)).not.toHaveProperty('pending');
  });

  it('is put on the bus once if its results file is not JSON, and written to a separate file', async () => {
    const { types, lookFor, read, place, left } = await announceWorld();
    await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: place.key, Body: '{"results": [' }));

    await lookFor(96);

    const beside = place.key.replace('of-this-put.json', `of-this-put.${id}.json`);
    expect(types()).toEqual(['Generation Succeeded']);
    expect(await read(beside)).toMatchObject({ results: [{ index: 0, id, status: 'succeeded' }] });
    expect(alarms).toEqual([
      ['Cannot deliver an announcement: gave up', 'results', beside, 'untold', { FruitlessLooks: 1 }],
    ]);
    expect(await left()).toEqual(NOTHING);
  });

  it('is put on the bus once, and written to its file as soon as that succeeds', async () => {
    const { types, lookFor, read, place, failing, left } = await announceWorld();

    failing.update = away();
    await lookFor(5);
    const before = await left();
    failing.update = undefined;
    await lookFor(1);

    expect(before.announcements).toEqual([`${id}.1.succeeded`]);
    expect(types()).toEqual(['Generation Succeeded']);
    expect(await read(place.key)).toMatchObject({ results: [{ id }] });
    expect(alarms).toEqual([]);
    expect(await left()).toEqual(NOTHING);
  });

  it('is noted as put on the bus before its file is written, so that a crash there does not repeat the event', async () => {
    const { deps, notes } = await announceWorld();
    const seen: unknown[] = [];
    const update: JsonObjects['update'] = async () => {
      seen.push((await notes.read(id, 1)).telling);
    };

    await announce({ ...deps, results: { ...deps.results, update } }, id);

    expect(seen).toEqual([{ done: ['bus'] }]);
  });

  it('is abandoned after a day with an alarm, and written to a separate file if possible', async () => {
    const { types, lookFor, place, failing, left } = await announceWorld();

    failing.update = away();
    await lookFor(96);
    const after24h = await left();
    await lookFor(1);

    expect(after24h.announcements).toEqual([`${id}.1.succeeded`]);
    expect(await left()).toEqual(NOTHING);
    expect(types()).toEqual(['Generation Succeeded']);
    expect(await s3.keys()).toContain(place.key.replace('of-this-put.json', `of-this-put.${id}.json`));
    expect(alarms).toHaveLength(1);
  });

  it('without permission raises an alarm at once, and is delivered once the permission is granted within a day', async () => {
    const { lookFor, read, place, failing, left } = await announceWorld();

    failing.update = denied();
    failing.write = denied();
    await lookFor(2);
    const message = 'Cannot deliver an announcement: this deployment lacks the permission';
    const raised = [...alarms];
    failing.update = undefined;
    await lookFor(1);

    expect(raised).toEqual([
      [message, 'results', undefined, 'untold', { FruitlessLooks: 1 }],
      [message, 'results', undefined, 'untold', { FruitlessLooks: 1 }],
    ]);
    expect(await read(place.key)).toMatchObject({ results: [{ id }] });
    expect(await left()).toEqual(NOTHING);
  });

  it('is abandoned even if no file can be written', async () => {
    const { types, lookFor, failing, left } = await announceWorld();

    failing.update = denied();
    failing.write = denied();
    await lookFor(97);

    expect(await left()).toEqual(NOTHING);
    expect(types()).toEqual(['Generation Succeeded']);
    expect(alarms.at(-1)).toEqual([
      'Cannot deliver an announcement: gave up',
      'results',
      undefined,
      'untold',
      { FruitlessLooks: 1 },
    ]);
  });

  it('of a dropped file is written for programs and for people, and again until both stand', async () => {
    const outputFolder = 'outputs/portraits/20260331T210005-a.png-aaaaaa/';
    const generation = { ...SUCCEEDED, outputFolder };
    const { types, lookFor, failing, read, left } = await announceWorld({ generation, isFromFile: false });

    failing.page = away();
    await lookFor(2);
    expect(await read(`${outputFolder}result.json`)).toMatchObject({ status: 'succeeded' });
    expect((await left()).isDue).toBe(true);
    failing.page = undefined;
    await lookFor(1);

    expect(String(await s3.bytesOf(`${outputFolder}result.html`))).toContain(
      '<p class="status succeeded">Done</p>',
    );
    expect(types()).toEqual(['Generation Succeeded']);
    expect(await left()).toEqual(NOTHING);
  });

  it('of a dropped file is put on the bus once while its result.json cannot be written', async () => {
    const outputFolder = 'outputs/portraits/a.png-x/';
    const generation = { ...SUCCEEDED, outputFolder };
    const { types, lookFor, failing, read, left } = await announceWorld({ generation, isFromFile: false });

    failing.write = away();
    await lookFor(3);
    failing.write = undefined;
    await lookFor(1);

    expect(types()).toEqual(['Generation Succeeded']);
    expect(await read(`${outputFolder}result.json`)).toMatchObject({ status: 'succeeded' });
    expect(await left()).toEqual(NOTHING);
  });
});

describe('an event', () => {
  it('that the bus rejects for a day is written whole under results/untold/, and abandoned', async () => {
    const { lookFor, failing, read, place, left } = await announceWorld();

    failing.bus = new Error('Cannot put events on the event bus: whether it accepted them is unknown');
    await lookFor(97);

    expect(await read(`results/untold/${id}.1.succeeded.json`)).toMatchObject({
      detailType: 'Generation Succeeded',
      detail: { eventId: `${id}.1.succeeded`, id, status: 'succeeded' },
    });
    expect(await read(place.key)).toMatchObject({ results: [{ id }] });
    expect(alarms).toEqual([
      [
        'Cannot deliver an announcement: gave up',
        'bus',
        `results/untold/${id}.1.succeeded.json`,
        'untold',
        { FruitlessLooks: 1 },
      ],
    ]);
    expect(await left()).toEqual(NOTHING);
  });

  it('that the bus accepted is not repeated when the bus rejects another', async () => {
    const generation = {
      ...SUCCEEDED,
      announcements: [announcement('Running'), announcement('Succeeded')],
    };
    const { deps, types, lookFor, left } = await announceWorld({ generation, isFromFile: false });
    const { putEvents } = deps;

    const half = {
      ...deps,
      putEvents: async (given: readonly BusEvent[]) => {
        await putEvents(given.slice(0, 1));
        throw new EventsRejectedError('InternalFailure', [true, false]);
      },
    };
    await expect(announce(half, id)).rejects.toThrow('Cannot deliver an announcement to its bus sink yet');
    const between = await left();
    await lookFor(1);

    expect(between.announcements).toEqual([`${id}.1.succeeded`]);
    expect(types()).toEqual(['Generation Running', 'Generation Succeeded']);
    expect(await left()).toEqual(NOTHING);
  });

  it('has its own patience after an earlier one is delivered', async () => {
    const generation = { ...EXAMPLES.running, announcements: [announcement('Running')] };
    const { deps, generations, lookFor, failing, left } = await announceWorld({ generation });

    failing.bus = away();
    await lookFor(90);
    failing.bus = undefined;
    await lookFor(1);
    await generations.update(id, (current) => ({ ...SUCCEEDED, revision: current.revision }));
    failing.bus = away();
    await lookFor(20);

    expect((await left()).announcements).toEqual([`${id}.1.succeeded`]);
    failing.bus = undefined;
    await announce(deps, id);
    expect(await left()).toEqual(NOTHING);
  });

  it('of an attempt that was retried first shows the outcome of that attempt', async () => {
    const error = {
      code: 'output_unavailable',
      message: '1 of 2 outputs could not be copied.',
      field: 'inputs.image',
      retryable: false,
    } as const;
    const failed: Generation = {
      ...EXAMPLES.failed,
      error,
      costUsd: 0.04,
      announcements: [announcement('Running'), announcement('Failed')],
    };
    const { deps, generations, events } = await announceWorld({ generation: failed });
    await generations.putOutputs(id, { attempt: 1, revision: 7, outputs: [output(0)] });
    await generations.update(id, (current) => startRetry(current, false, moment(60)));

    await announce(deps, id);

    expect(events.map(({ detail }) => detail)).toMatchObject([
      { status: 'running', attempt: 1, taskId: 'task-1' },
      {
        status: 'failed',
        attempt: 1,
        taskId: 'task-1',
        costUsd: 0.04,
        error,
        outputs: [{ key: output(0).key }],
      },
    ]);
  });

  it('with very many outputs lists as many as EventBridge accepts, counts all of them, and matches its schema', async () => {
    const { deps, generations, events } = await announceWorld();
    const outputs = Array.from({ length: 3_000 }, (_, index) => output(index));
    await generations.putOutputs(id, { attempt: 1, revision: 7, outputs });

    await announce(deps, id);

    const { detailType, detail } = events[0] ?? { detailType: '', detail: {} };
    const bytes = Buffer.byteLength(JSON.stringify(detail));
    const listed = detail.outputs as readonly { readonly name: string }[];
    expect(bytes).toBeGreaterThan(235 * 1024);
    expect(bytes).toBeLessThan(255 * 1024);
    expect(detail.outputsTotal).toBe(3_000);
    expect(listed.at(-1)?.name).toBe(`${listed.length - 1}.png`);
    const envelope = {
      version: '0',
      id: 'e',
      'detail-type': detailType,
      source: 'wiro.generations',
      account: '123456789012',
      time: at(40),
      region: 'eu-central-1',
      resources: [],
      detail,
    };
    expect(createEventCheck({ isStrict: true })(envelope)).toEqual([]);
  });
});

describe('usage', () => {
  const counted = { model: 'wiro/flux', labels: { order: '17' }, succeeded: 1, costMicroUsd: 40_000 };

  it('counts an end before its announcement is removed, and once if a crash prevents the removal', async () => {
    const { deps, generations, used, left } = await announceWorld();
    const dying = {
      ...deps,
      generations: {
        ...generations,
        update: async () => {
          throw new Error('it died');
        },
      },
    };

    await expect(announce(dying, id)).rejects.toThrow('it died');
    const before = await used();
    await announce(deps, id);

    expect(before).toMatchObject([counted]);
    expect(await used()).toMatchObject([counted]);
    expect(await left()).toEqual(NOTHING);
  });

  it('that fails for a while repeats neither the event nor the results file', async () => {
    const { deps, types, lookFor, failing, read, used, left } = await announceWorld({ isFromFile: false });

    failing.usage = new Error('DynamoDB answered 500');
    await expect(announce(deps, id)).rejects.toThrow('Cannot deliver an announcement to its usage sink yet');
    await lookFor(3);
    const during = await left();
    failing.usage = undefined;
    await lookFor(1);

    expect(during.announcements).toEqual([`${id}.1.succeeded`]);
    expect(types()).toEqual(['Generation Succeeded']);
    expect(await used()).toMatchObject([counted]);
    expect(await left()).toEqual(NOTHING);
    await expect(read(`results/untold/${id}.1.succeeded.usage.json`)).rejects.toThrow();
  });

  it('that fails for a day leaves what was to be counted for a person, with an alarm', async () => {
    const { lookFor, failing, read, left } = await announceWorld();

    failing.usage = new Error('DynamoDB answered 500');
    await lookFor(97);

    const key = `results/untold/${id}.1.succeeded.usage.json`;
    expect(await read(key)).toMatchObject({ id, attempt: 1, counts: { costMicroUsd: 40_000 } });
    expect(alarms).toEqual([
      ['Cannot deliver an announcement: gave up', 'usage', key, 'untold', { FruitlessLooks: 1 }],
    ]);
    expect(await left()).toEqual(NOTHING);
  });

  it('counts an end while the bus is down', async () => {
    const { deps, failing, used } = await announceWorld();

    failing.bus = away();
    await expect(announce(deps, id)).rejects.toThrow('its bus sink');

    expect(await used()).toMatchObject([counted]);
  });

  it('counts each attempt that ended, and what they share once', async () => {
    const failed: Generation = {
      ...EXAMPLES.failed,
      error: { code: 'output_unavailable', message: 'One is missing.', retryable: true },
      costUsd: 0.04,
      announcements: [announcement('Failed')],
    };
    const { deps, generations, used } = await announceWorld({ generation: failed });
    await generations.update(id, (current) => startRetry(current, false, moment(60)));
    await generations.update(id, (current) => ({
      ...SUCCEEDED,
      attempt: 2,
      revision: current.revision,
      pastAttempts: current.pastAttempts,
      announcements: [...current.announcements, announcement('Succeeded', 2)],
    }));

    await announce(deps, id);

    expect(await used()).toMatchObject([{ ...counted, failed: 1 }]);
  });
});
