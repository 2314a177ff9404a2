import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { createTable } from '../../local/aws/dynamodb-table.ts';
import { eventually } from '../support/eventually.ts';
import { RELEASES } from './fixtures.ts';
import {
  MANY_OUTPUTS,
  putBesideAttempt,
  putBesideGenerations,
  putInLine,
  putManyOutputs,
  signSlot,
} from './new-items.ts';
import { allOf, presentCode, releasedCode, startReplaceable } from './release-code.ts';
import { kindOf, NEW_KINDS } from './stored-shape.ts';
import { STORIES, type StoryName, storyIdOf } from './stories.ts';
import { createStoryWorld, type Stored, type StoredItem, scan } from './story-world.ts';
import { bringStored, TO_COLLECT, TO_RUN, tableOf } from './take-up.ts';

const [earlier, present] = await Promise.all([releasedCode(RELEASES.at(-1) ?? ''), presentCode()]);
const system = await startReplaceable(allOf(earlier), {
  schedule: false,
  // Of those that began five minutes ago: it is not too late to kill one again, nor to search for another.
  durations: { stopLimit: 900_000, searchLimit: 3_600_000 },
});
const { simulator, environment } = system;
const table = tableOf(system);
const NAMES = Object.keys(STORIES) as StoryName[];
const OF_GENERATIONS = NAMES.filter((name) => name !== 'others');

const record = (name: StoryName) => system.ended(storyIdOf(name));
const tasksOf = (name: StoryName) => system.tasksOf(storyIdOf(name));

/** Items of this release alone, as they are stored. */
async function newItems(): Promise<readonly StoredItem[]> {
  const isNew = (item: StoredItem) =>
    NEW_KINDS.has(kindOf(item)) || (kindOf(item) === 'outputs' && item.revision?.N === '99');
  return (await scan(table)).filter(isNew);
}

/** Who has signed for a slot, as the gate has it. */
async function signedSlots(): Promise<readonly string[]> {
  const gate = (await scan(table)).find((item) => kindOf(item) === 'gate') ?? {};
  return Object.keys(gate).filter((name) => name.startsWith('taken_'));
}

/** All stories, told by the present code over one table. */
async function tellAll(): Promise<Stored> {
  const told = { client: table.client, tableName: 'told' };
  const { dynamodb: endpoint, region } = environment.endpoints;
  const sdk = new DynamoDBClient({ endpoint, region, credentials: LOCAL_CREDENTIALS });
  await createTable(sdk, told.tableName);
  sdk.destroy();
  const worlds = NAMES.map(async (name) => {
    const world = createStoryWorld(told);
    await STORIES[name](world);
    return (await world.stored()).overflow;
  });
  const overflow = Object.fromEntries((await Promise.all(worlds)).flatMap((one) => Object.entries(one)));
  return { overflow, items: await scan(told) };
}

describe('what this release has left in the table, when the one before is deployed again', () => {
  let left: readonly StoredItem[];
  let signed: readonly string[];
  let inLine: StoredItem | undefined;
  beforeAll(async () => {
    simulator.faults.add({
      operation: 'task',
      match: { callbackUrlIncludes: `/${storyIdOf('running-stopping')}/` },
      fault: { kind: 'lasts', durationMs: 6_000_000 },
    });
    await bringStored(system, new Map([['all', await tellAll()]]));
    await Promise.all([
      ...OF_GENERATIONS.map((name) => putBesideAttempt(table, storyIdOf(name), name === 'rerun' ? 2 : 1)),
      putManyOutputs(table, storyIdOf('succeeded')),
      putBesideGenerations(table),
      putInLine(table, storyIdOf('running-troubled')),
      signSlot(table, storyIdOf('marked')),
    ]);
    left = await newItems();
    signed = await signedSlots();
    const inLineKey = `generation#${storyIdOf('running-troubled')}`;
    inLine = (await scan(table)).find(({ pk, sk }) => pk?.S === inLineKey && sk?.S === 'state');
    environment.schedule.on();
  });

  it('has every kind of item that the one before does not know', () => {
    expect([...new Set(left.map(kindOf))].toSorted()).toEqual([...NEW_KINDS, 'outputs'].toSorted());
  });

  it('has a slot that is signed, and one in line for a copy', async () => {
    expect(signed).toEqual([`taken_${storyIdOf('marked')}`]);
    expect(inLine).toMatchObject({ trouble: { M: { code: { S: 'output_in_line' } } } });
  });

  it.each(TO_RUN)('%s: is run, once, and succeeds', async (name) => {
    expect(await record(name)).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(tasksOf(name)).toHaveLength(1);
  });

  it.each(TO_COLLECT)('%s: keeps its task, and succeeds', async (name) => {
    const { status, attempt, taskId, outputs } = await record(name);

    expect({ status, attempt, outputs: outputs.length }).toEqual({
      status: 'succeeded',
      attempt: 1,
      outputs: 1,
    });
    expect(tasksOf(name).map(({ id }) => id)).toEqual([taskId]);
  });

  it('the others: end as they were to end, with one task at most', async () => {
    const names = [
      'rerun',
      'running-stopping',
      'succeeded-untold',
      'failed-untold',
      'cancelled-untold',
    ] as const;

    const records = await Promise.all(names.map(record));

    expect(records.map(({ status, attempt }) => [status, attempt])).toEqual([
      ['succeeded', 2],
      ['cancelled', 1],
      ['succeeded', 1],
      ['failed', 1],
      ['cancelled', 1],
    ]);
    expect(names.filter((name) => tasksOf(name).length > 1)).toEqual([]);
  });

  it('and once this release is deployed again, it finds whatever it had left, and goes on', async () => {
    await Promise.all(OF_GENERATIONS.filter((name) => name !== 'succeeded').map(record));
    expect(await newItems()).toEqual(left);
    const failed = storyIdOf('failed-untold');
    expect((await system.call('POST', `/generations/${failed}/retry`)).status).toBe(202);
    await system.reached(failed, ({ status, attempt }) => status === 'succeeded' && attempt === 2);
    const from = environment.logs().length;

    await system.replace(allOf(present));

    expect(await system.read(storyIdOf('succeeded'))).toMatchObject({ outputsTotal: MANY_OUTPUTS });
    expect((await system.read(storyIdOf('rerun'))).pastAttempts).toMatchObject([
      { attempt: 1, code: 'model_failed' },
    ]);
    expect(await system.read(failed)).toMatchObject({
      status: 'succeeded',
      pastAttempts: [{ attempt: 1, code: 'model_failed', message: 'No face found.' }],
    });
    expect(tasksOf('failed-untold')).toHaveLength(1);
    expect(system.servedBy('api', from)).toEqual([present.release]);
    await eventually('the slot to be found', async () => (await signedSlots()).length === 0);
  });
});
