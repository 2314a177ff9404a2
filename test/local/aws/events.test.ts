import { afterEach, expect, it } from 'vitest';
import { type BusEvent, startEvents } from '../../../local/aws/events.ts';
import { signedFetch } from './signed-fetch.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function bus() {
  const events: BusEvent[] = [];
  const { endpoint, stop } = await startEvents({
    region: 'us-east-1',
    buses: ['wiro'],
    onEvent: (event) => events.push(event),
  });
  cleanups.push(stop);
  const put = async (entries: unknown, service = 'events') => {
    const response = await signedFetch(service)(endpoint, {
      method: 'POST',
      headers: { 'x-amz-target': 'AWSEvents.PutEvents', 'content-type': 'application/x-amz-json-1.1' },
      body: JSON.stringify({ Entries: entries }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { put, events };
}

const ENTRY = {
  EventBusName: 'wiro',
  Source: 'wiro.generations',
  DetailType: 'Generation Succeeded',
  Detail: '{"id":"g1"}',
};

it('accepts events and passes them on as a rule would', async () => {
  const { put, events } = await bus();

  const { status, body } = await put([{ ...ENTRY, Time: 1_700_000_000, Resources: ['arn:x'] }]);

  expect(status).toBe(200);
  expect(body).toEqual({ FailedEntryCount: 0, Entries: [{ EventId: events[0]?.id }] });
  expect(events).toEqual([
    {
      version: '0',
      id: expect.any(String),
      'detail-type': 'Generation Succeeded',
      source: 'wiro.generations',
      account: '000000000000',
      time: '2023-11-14T22:13:20Z',
      region: 'us-east-1',
      resources: ['arn:x'],
      detail: { id: 'g1' },
    },
  ]);
});

it('also finds a bus by its ARN', async () => {
  const { put, events } = await bus();

  await put([{ ...ENTRY, EventBusName: 'arn:aws:events:us-east-1:000000000000:event-bus/wiro' }]);

  expect(events).toHaveLength(1);
});

it.each([
  ['no source', { Source: '' }, 'InvalidArgument'],
  ['no detail type', { DetailType: undefined }, 'InvalidArgument'],
  ['no detail', { Detail: undefined }, 'InvalidArgument'],
  ['a detail that is not JSON', { Detail: '{' }, 'MalformedDetail'],
  ['a detail that is not an object', { Detail: '[1]' }, 'MalformedDetail'],
  ['a source that belongs to AWS', { Source: 'aws.s3' }, 'NotAuthorizedForSourceException'],
  ['a bus that does not exist', { EventBusName: 'other' }, 'ResourceNotFoundException'],
])('fails an entry with %s, and accepts the others', async (_, change, code) => {
  const { put, events } = await bus();

  const { status, body } = await put([ENTRY, { ...ENTRY, ...change }]);

  expect(status).toBe(200);
  expect(body).toMatchObject({
    FailedEntryCount: 1,
    Entries: [{ EventId: events[0]?.id }, { ErrorCode: code }],
  });
  expect(events).toHaveLength(1);
});

it.each([
  ['no entries', []],
  ['more than ten', Array(11).fill(ENTRY)],
  ['more than 256 KB', [{ ...ENTRY, Detail: JSON.stringify({ text: 'x'.repeat(256 * 1024) }) }]],
])('refuses %s as a whole', async (_, entries) => {
  const { put, events } = await bus();

  const { status, body } = await put(entries);

  expect([status, body.__type, events]).toEqual([400, 'ValidationException', []]);
});

it('refuses a request signed for another service', async () => {
  const { put } = await bus();

  expect(await put([ENTRY], 'eventbridge')).toMatchObject({
    status: 403,
    body: { __type: 'InvalidSignatureException' },
  });
});

it('refuses what it would drop', async () => {
  const { put, events } = await bus();

  const { status, body } = await put([{ ...ENTRY, TraceHeader: 'Root=1' }]);

  expect([status, body.__type, events]).toEqual([501, 'NotImplemented', []]);
  expect(body.message).toContain('"TraceHeader"');
});
