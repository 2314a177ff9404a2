import { CreateTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { SucceededEvent } from '../../examples/consumer/add-to-gallery.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { startSystem } from '../support/system.ts';

const GALLERY = 'gallery';

const system = await startSystem({ maximumEnvironments: 1 });
const { endpoints } = system.environment;
const dynamodb = new DynamoDBClient({
  endpoint: endpoints.dynamodb,
  region: endpoints.region,
  credentials: LOCAL_CREDENTIALS,
});
afterAll(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  dynamodb.destroy();
});

/** The example's own handler, with the environment that Lambda would set. */
async function loadHandler() {
  const told = {
    GALLERY_TABLE: GALLERY,
    AWS_REGION: endpoints.region,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
  };
  for (const [name, value] of Object.entries(told)) vi.stubEnv(name, value);
  const { handler } = await import('../../examples/consumer/handler.ts');
  return handler;
}

let handler: Awaited<ReturnType<typeof loadHandler>>;
beforeAll(async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  await dynamodb.send(
    new CreateTableCommand({
      TableName: GALLERY,
      AttributeDefinitions: [{ AttributeName: 'eventId', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'eventId', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  handler = await loadHandler();
});

async function entries(): Promise<readonly Record<string, unknown>[]> {
  const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: GALLERY, ConsistentRead: true }));
  return Items.map((item) => unmarshall(item));
}

/** Runs a generation until it succeeds, and returns its event from the bus. */
async function succeeded(order: string): Promise<SucceededEvent> {
  const { id } = await system.submit({
    model: 'wiro/text-to-image',
    parameters: { prompt: 'A lighthouse', samples: 2 },
    labels: { order },
  });
  await system.ended(id);
  const event = system.eventsOf(id).find((one) => one['detail-type'] === 'Generation Succeeded');
  return event as unknown as SucceededEvent;
}

it('processes an event once, however often it is delivered, in sequence or in parallel', async () => {
  const event = await succeeded('17');

  const outcomes = await Promise.all([handler(event), handler(event)]);
  const later = await handler(event);

  const { eventId, id, outputs } = event.detail;
  expect([outcomes.toSorted(), later]).toEqual([['added', 'known'], 'known']);
  expect(await entries()).toEqual([
    {
      eventId,
      generationId: id,
      labels: { order: '17' },
      images: (await system.read(id)).outputs.map(({ key, contentType, sizeBytes }) => ({
        key,
        contentType,
        sizeBytes,
      })),
    },
  ]);
  expect(outputs).toHaveLength(2);
});

it('adds nothing for an output that differs from the event, and adds it on the next delivery', async () => {
  const event = await succeeded('18');
  const [first] = event.detail.outputs;
  if (first === undefined) throw new Error('There is no output');
  const place = { Bucket: first.bucket, Key: first.key };
  const stored = await system.object(first.key, first.bucket);

  await system.s3.send(new PutObjectCommand({ ...place, Body: 'something else' }));
  await expect(handler(event)).rejects.toThrow(/not what the event tells of/);
  const without = (await entries()).filter(({ eventId }) => eventId === event.detail.eventId);
  await system.s3.send(new PutObjectCommand({ ...place, Body: stored?.bytes ?? '' }));
  const again = await handler(event);

  expect([without, again]).toEqual([[], 'added']);
});
