import { describe, expect, it } from 'vitest';
import { useTables } from '../store/table-world.ts';
import { RELEASES, readFixture, storiesOf, tellStory } from './fixtures.ts';
import { ADDED, GONE, kindOf, NEW_KINDS, shapeOf } from './stored-shape.ts';
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
    expect(shapesOf(stored)).toEqual(released);
  });
});
