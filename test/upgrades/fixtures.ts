import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Table } from '../../functions/store/dynamodb.ts';
import { STORIES, type StoryName } from './stories.ts';
import { createStoryWorld, type Stored } from './story-world.ts';

const FOLDER = import.meta.dirname;

/** Releases whose stored items are kept, oldest first. */
export const RELEASES: readonly string[] = readdirSync(FOLDER)
  .filter((name) => /^v\d+\.\d+\.\d+$/.test(name))
  .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));

export const fileOf = (release: string, name: string): string => path.join(FOLDER, release, `${name}.json`);

/** What a release wrote for a story. */
export const readFixture = (release: string, name: string): Stored =>
  JSON.parse(readFileSync(fileOf(release, name), 'utf8')) as Stored;

/** The names of the stories that a release's fixtures tell. */
export const storiesOf = (release: string): readonly string[] =>
  readdirSync(path.join(FOLDER, release)).flatMap((file) =>
    file.endsWith('.json') ? [path.basename(file, '.json')] : [],
  );

export const readFixtures = (release: string): ReadonlyMap<string, Stored> =>
  new Map(storiesOf(release).map((name) => [name, readFixture(release, name)]));

/** What the present code writes for a story, into an empty table. */
export async function tellStory(table: Table, name: StoryName): Promise<Stored> {
  const world = createStoryWorld(table);
  await STORIES[name](world);
  return world.stored();
}
