import { Readable } from 'node:stream';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { DynamoDBClient, PutItemCommand } from '../../functions/aws/dynamodb.ts';
import { callbackUrl } from '../../functions/generation/callback-url.ts';
import { DURATIONS } from '../../functions/settings.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import { createWiroClient } from '../../functions/wiro/client.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import type { System } from '../support/system.ts';
import { INPUT, type StoryName, storyIdOf, taskOf, UPLOADED_URL } from './stories.ts';
import type { Stored } from './story-world.ts';

/** Whose task ran on at Wiro while nobody looked. */
export const WITH_TASK = [
  'marked-ran',
  'marked-called-back',
  'running',
  'running-untold',
  'running-stopping',
  'running-empty',
  'running-troubled',
  'collecting',
] as const satisfies readonly StoryName[];

/** What is still to be run. */
export const TO_RUN = [
  'queued',
  'queued-large',
  'queued-from-file',
  'queued-again',
  'waiting',
  'submitting',
  'marked',
] as const satisfies readonly StoryName[];
export const TO_COLLECT = WITH_TASK.filter((name) => name !== 'running-stopping');

/** The last moment of every story, and a while: leases are over, and everything is due. */
const LEFT_AT = Date.parse('2026-01-01T12:05:00.000Z');

/**
 * Puts what a release has stored into the table and bucket of a running system, as if it had been stored a moment ago,
 * and the tasks that it speaks of into the simulator.
 * @param told - What the stories came to, by name.
 * @returns The items, by story, as they were put.
 */
export async function bringStored(
  system: System,
  told: ReadonlyMap<string, Stored>,
): Promise<ReadonlyMap<string, Stored>> {
  const { simulator, environment, s3 } = system;
  const { endpoints } = environment;
  const wiro = createWiroClient({
    apiUrl: simulator.apiUrl,
    credentials: async () => ({ apiKey: simulator.apiKey, apiSecret: simulator.apiSecret ?? '' }),
    timeouts: {
      connectMs: DURATIONS.connect,
      headersMs: DURATIONS.headers,
      bodyMs: DURATIONS.body,
      stallMs: DURATIONS.stall,
    },
    now: () => new Date(),
  });
  await system.put(INPUT.key, INPUT.bytes, 'image/png');
  const { url } = await wiro.upload({
    name: INPUT.key,
    contentType: 'image/png',
    sizeBytes: INPUT.bytes.length,
    open: async () => Readable.from([Buffer.from(INPUT.bytes)]),
  });
  const secret = await system.parameter('callback-secret');
  const replaced = new Map([[UPLOADED_URL, url]]);
  for (const name of WITH_TASK) {
    const subject = { deployment: 'local', generationId: storyIdOf(name), attempt: 1 };
    const ran = await wiro.run({
      model: 'wiro/text-to-image',
      parameters: { prompt: 'A lighthouse' },
      files: {},
      callbackUrl: callbackUrl(endpoints.callback, subject, secret),
      timeoutMs: 30_000,
    });
    if (ran.kind !== 'ran') throw new Error(`The task of ${name} was not made: ${JSON.stringify(ran)}`);
    replaced.set(taskOf(name).id, ran.taskId);
    replaced.set(taskOf(name).token, ran.taskToken ?? '');
  }
  const laterMs = Date.now() - LEFT_AT;
  const brought = new Map<string, Stored>();
  const table = tableOf(system);
  for (const [name, one] of told) {
    const text = [...replaced].reduce(
      // As a whole text: "task of running" is the beginning of another's.
      (now, [placeholder, value]) => now.replaceAll(`"${placeholder}"`, `"${value}"`),
      JSON.stringify(one),
    );
    const stored = JSON.parse(text.replaceAll(MOMENT, (moment) => later(moment, laterMs))) as Stored;
    for (const [key, body] of Object.entries(stored.overflow))
      await s3.send(
        new PutObjectCommand({ Bucket: endpoints.outputBucket, Key: `large-requests/${key}`, Body: body }),
      );
    for (const Item of stored.items)
      await table.client.send(new PutItemCommand({ TableName: table.tableName, Item: { ...Item } }));
    brought.set(name, stored);
  }
  return brought;
}

export function tableOf({ environment: { endpoints } }: System): Table {
  const { dynamodb: endpoint, region, table: tableName } = endpoints;
  return { client: new DynamoDBClient({ endpoint, region, credentials: LOCAL_CREDENTIALS }), tableName };
}

const MOMENT = /2026-01-01T\d\d:\d\d:\d\d\.\d{3}Z/g;

const later = (moment: string, milliseconds: number) =>
  new Date(Date.parse(moment) + milliseconds).toISOString();
