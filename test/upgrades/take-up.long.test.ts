import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { PutItemCommand } from '../../functions/aws/dynamodb.ts';
import { generationId } from '../../functions/request/identity.ts';
import { eventually } from '../support/eventually.ts';
import { startSystem } from '../support/system.ts';
import { RELEASES, readFixture, readFixtures, storiesOf } from './fixtures.ts';
import { ADDED, ADDED_TO_SOME, kindOf, NEW_KINDS, shapeOf } from './stored-shape.ts';
import { type StoryName, storyIdOf, taskOf } from './stories.ts';
import { type Stored, scan } from './story-world.ts';
import { bringStored, TO_COLLECT, TO_RUN, tableOf } from './take-up.ts';

for (const release of RELEASES) {
  // Of those that began five minutes ago: it is not too late to kill one again, nor to search for another.
  const durations = { stopLimit: 900_000, searchLimit: 3_600_000 };
  const system = await startSystem({ schedule: false, maximumEnvironments: 2, durations });
  const { simulator, environment } = system;
  const record = (name: string) => system.ended(storyIdOf(name as StoryName));
  const tasksOf = (name: string) => system.tasksOf(storyIdOf(name as StoryName));

  const newerId = generationId('local', 'api', 'of a newer release');
  /** One that runs and is due, and that a newer release has written. */
  async function putNewer(): Promise<object> {
    const standing = await system.item(storyIdOf('running'));
    const newer = { ...standing, id: newerId, pk: `generation#${newerId}`, version: 2, stage: 'pondering' };
    const { client, tableName } = tableOf(system);
    await client.send(new PutItemCommand({ TableName: tableName, Item: marshall(newer) }));
    return newer;
  }

  describe(`what ${release} has left in the table`, () => {
    let newer: object;
    let brought: ReadonlyMap<string, Stored>;
    beforeAll(async () => {
      const callbackUrlIncludes = `/${storyIdOf('running-stopping')}/`;
      simulator.faults.add({
        operation: 'task',
        match: { callbackUrlIncludes },
        fault: { kind: 'lasts', durationMs: 6_000_000 },
      });
      brought = await bringStored(system, readFixtures(release));
      newer = await putNewer();
      environment.schedule.on();
    });

    it.each(TO_RUN)('%s: is run, once, and succeeds', async (name) => {
      const { status, attempt } = await record(name);

      expect({ status, attempt, tasks: tasksOf(name).length }).toEqual({
        status: 'succeeded',
        attempt: 1,
        tasks: 1,
      });
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

    it('running-stopping: is stopped', async () => {
      expect(await record('running-stopping')).toMatchObject({ status: 'cancelled', attempt: 1 });
      expect(tasksOf('running-stopping')).toHaveLength(1);
    });

    it('rerun: runs its second attempt, and says so in its folder', async () => {
      const { status, attempt, pastAttempts, id } = await record('rerun');

      expect({ status, attempt, pastAttempts }).toMatchObject({
        status: 'succeeded',
        attempt: 2,
        pastAttempts: [{ attempt: 1, taskId: taskOf('rerun').id, code: 'model_failed' }],
      });
      const key = `outputs/portraits/anna.png-${id}/result.json`;
      const result = await system.object(key, environment.endpoints.outputBucket);
      expect(JSON.parse(String(result?.bytes))).toMatchObject({ status: 'succeeded', id });
    });

    it('succeeded-untold, failed-untold, cancelled-untold: are told, with what they came to', async () => {
      const names = ['succeeded-untold', 'failed-untold', 'cancelled-untold'] as const;

      const records = await Promise.all(names.map(record));

      expect(records.map(({ status }) => status)).toEqual(['succeeded', 'failed', 'cancelled']);
      expect(records[0]?.outputs).toMatchObject([{ name: '0.png', content: { prompt: 'A lighthouse' } }]);
      expect(records[1]?.error).toMatchObject({ code: 'model_failed', field: 'inputs.inputImage' });
      expect(system.eventsOf(storyIdOf('succeeded-untold')).at(-1)?.detail).toMatchObject({
        status: 'succeeded',
        costUsd: 0.04,
        outputs: [{ sha256: '0'.repeat(64) }],
      });
    });

    it('succeeded: stays as it is', async () => {
      const stored = brought.get('succeeded')?.items.find(({ sk }) => sk?.S === 'state');

      expect(await system.item(storyIdOf('succeeded'))).toEqual(unmarshall({ ...stored }));
    });

    it('the request too large for the table, the results file and the uploaded input are found', async () => {
      await Promise.all(['queued', 'queued-large', 'queued-from-file', 'rerun'].map(record));

      expect(tasksOf('queued-large')[0]?.parameters.prompt).toBe('x'.repeat(66_000));
      const results = await eventually('the results file', () => system.object('results/batch.json'));
      expect(JSON.parse(String(results.bytes))).toMatchObject({
        results: [{ index: 3, status: 'succeeded', id: storyIdOf('queued-from-file') }],
      });
      // The one that was there, and the one that the rerun makes afresh.
      expect(simulator.requests()['File/Upload']).toBe(2);
    });

    it('beside it, what a newer release has left stays as it is, although it is due', async () => {
      await eventually('a look at it', () =>
        environment
          .logs()
          .find(
            ({ facts }) => facts?.generationId === newerId && JSON.stringify(facts).includes('NewerVersion'),
          ),
      );
      await Promise.all(TO_RUN.map(record));

      expect(await system.item(newerId)).toEqual(newer);
    });

    it('all of it: nothing is lost, and nothing has two tasks', async () => {
      const names = storiesOf(release).filter((name) => name !== 'others' && name !== 'succeeded');

      await Promise.all(names.map(record));

      expect(names.filter((name) => tasksOf(name).length > 1)).toEqual([]);
      const accounted = names.flatMap((name) => tasksOf(name));
      expect(accounted.map(({ id }) => id).toSorted()).toEqual(
        simulator
          .tasks()
          .map(({ id }) => id)
          .toSorted(),
      );
    });

    it.runIf(release === RELEASES.at(-1))('and nothing is stored that the fixtures do not know', async () => {
      await environment.idle();
      const known = new Set([
        ...storiesOf(release).flatMap((name) =>
          readFixture(release, name).items.flatMap((item) =>
            shapeOf(item).map((attribute) => `${kindOf(item)} ${attribute}`),
          ),
        ),
        ...[...Object.entries(ADDED), ...Object.entries(ADDED_TO_SOME)].flatMap(([kind, added]) =>
          added.map((attribute) => `${kind} ${attribute}`),
        ),
      ]);

      const items = (await scan(tableOf(system))).filter(
        (item) => item.version?.N !== '2' && !NEW_KINDS.has(kindOf(item)),
      );

      const found = items.flatMap((item) => shapeOf(item).map((attribute) => `${kindOf(item)} ${attribute}`));
      expect([...new Set(found)].filter((attribute) => !known.has(attribute))).toEqual([]);
    });
  });
}
