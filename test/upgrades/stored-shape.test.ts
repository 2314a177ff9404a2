import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { useTables } from '../store/table-world.ts';
import { RELEASES, readFixture, storiesOf, tellStory } from './fixtures.ts';
import { ADDED, ADDED_TO_SOME, GONE, kindOf, NEW_KINDS, shapeOf } from './stored-shape.ts';
import { STORIES, type StoryName } from './stories.ts';
import type { Stored } from './story-world.ts';

const { createWorld } = useTables();
const latest = RELEASES.at(-1) ?? '';
const names = Object.keys(STORIES) as StoryName[];

const shapesOf = ({ items }: Stored) =>
  items.map((item) => [kindOf(item), shapeOf(item)] as const).filter(([kind]) => !NEW_KINDS.has(kind));

// When one of these fails, what lies in the tables of deployments is not what this code writes any more:
// docs/upgrades.md says what to do.
describe('what this code stores has the same attributes as what the latest release stored:', () => {
  it('there is a fixture for every story, and a story for every fixture', () => {
    expect(storiesOf(latest).toSorted()).toEqual([...names].sort());
  });

  it.each(names)('%s', async (name) => {
    const { table } = await createWorld();

    const stored = await tellStory(table, name);

    const released = shapesOf(readFixture(latest, name)).map(([kind, shape]) => [
      kind,
      [...shape.filter((attribute) => !GONE[kind]?.includes(attribute)), ...(ADDED[kind] ?? [])].sort(),
    ]);
    const now = shapesOf(stored).map(([kind, shape]) => [
      kind,
      shape.filter((attribute) => !ADDED_TO_SOME[kind]?.includes(attribute)),
    ]);
    expect(now).toEqual(released);
  });
});

describe('an unfinished state costs one write unit', () => {
  it.each(names)('%s', async (name) => {
    const { table } = await createWorld();

    const { items } = await tellStory(table, name);

    const states = items.filter(
      ({ sk, status }) =>
        sk?.S === 'state' && !['succeeded', 'failed', 'cancelled'].includes(status?.S ?? ''),
    );
    for (const state of states) {
      // What stories leave short: a hash of 64 letters, names of models and tasks as long as they come.
      const room = 64 - (state.requestHash?.S?.length ?? 0) + 60;
      expect(sizeOf({ M: state }) + room).toBeLessThanOrEqual(1_024);
    }
  });
});

/** As DynamoDB counts: names and values in bytes, a little for each number, list and map. */
function sizeOf(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return Math.ceil(value.N.length / 2) + 1;
  if (value.BOOL !== undefined || value.NULL !== undefined) return 1;
  if (value.L !== undefined) return value.L.reduce((sum, one) => sum + sizeOf(one) + 1, 3);
  if (value.SS !== undefined) return value.SS.reduce((sum, one) => sum + Buffer.byteLength(one), 0);
  return Object.entries(value.M ?? {}).reduce(
    (sum, [name, one]) => sum + Buffer.byteLength(name) + sizeOf(one) + 1,
    3,
  );
}
