import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DynamoDBClient as SdkClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBClient } from '../../functions/aws/dynamodb.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../local/aws/credentials.ts';
import { startDynamoDb } from '../../local/aws/dynamodb.ts';
import { createTable } from '../../local/aws/dynamodb-table.ts';
import { bundlesOnce } from '../support/bundles.ts';
import { fileOf, tellStory } from './fixtures.ts';
import { keepBundles } from './kept-bundles.ts';
import { STORIES, type StoryName } from './stories.ts';

// Keeps the present functions, bundled, and what they store, for the upgrade tests of all releases to come; see
// docs/upgrades.md:
//   node test/upgrades/write-fixture.ts v0.2.0

const [release = ''] = process.argv.slice(2);
if (!/^v\d+\.\d+\.\d+$/.test(release)) throw new Error('Say which release it is, such as v0.2.0');
const dynamodb = await startDynamoDb();
const place = { endpoint: dynamodb.endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS };
const client = new DynamoDBClient(place);
const sdk = new SdkClient(place);
for (const name of Object.keys(STORIES) as StoryName[]) {
  const file = fileOf(release, name);
  if (existsSync(file))
    throw new Error(`${file} is there: what a release has stored does not change any more`);
  await createTable(sdk, name);
  const stored = await tellStory({ client, tableName: name }, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(stored, undefined, 2)}\n`);
}
sdk.destroy();
await dynamodb.stop();
await keepBundles(release, await bundlesOnce());
