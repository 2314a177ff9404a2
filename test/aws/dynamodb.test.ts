import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as sdk from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { callAws } from '../../functions/aws/call.ts';
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '../../functions/aws/dynamodb.ts';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** Answers by turns, the last one for ever. */
let answers: Answer[] = [];
let requests: IncomingMessage[] = [];
let connections = 0;
const server = createServer((request, response) => {
  requests.push(request);
  request.resume().on('end', () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer?.(response, request);
  });
});
server.on('connection', () => {
  connections += 1;
});
const endpoint = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  answers = [];
  requests = [];
  vi.stubEnv('AWS_ENDPOINT_URL', endpoint());
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const json =
  (statusCode: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(statusCode, { 'content-type': 'application/x-amz-json-1.0', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
const refusal = (name: string, statusCode = 400): Answer =>
  json(statusCode, { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'no' });
const ok = json(200, { Item: { pk: { S: 'a' } } });
const INPUT = { TableName: 't', Key: { pk: { S: 'a' }, sk: { S: 'b' } } };
const read = () => new GetItemCommand(INPUT);
/** Tests that run beside this one may keep the machine busy for longer than any network takes. */
const PATIENT = { connectMs: 30_000, answerMs: 30_000 };
/** Pauses between tries are a random share of their longest. */
const pauseBriefly = () => vi.spyOn(Math, 'random').mockReturnValue(0.001);

const FAULTS: Record<string, Answer> = {
  ...Object.fromEntries(
    [
      'ProvisionedThroughputExceededException',
      'ThrottlingException',
      'RequestLimitExceeded',
      'LimitExceededException',
      'TransactionInProgressException',
      'ConditionalCheckFailedException',
      'ValidationException',
      'ResourceNotFoundException',
      'AccessDeniedException',
      'UnrecognizedClientException',
      'ExpiredTokenException',
      'RequestTimeoutException',
      'ItemCollectionSizeLimitExceededException',
    ].map((name) => [name, refusal(name)]),
  ),
  InternalServerError: refusal('InternalServerError', 500),
  'a gateway that says 502': json(502, '<html>'),
  'a gateway that says 503': json(503, ''),
  'a gateway that says 504': json(504, ''),
  'a server that says 501': json(501, { __type: 'NotImplemented' }),
  'a status of 429': json(429, {}),
  'an expired signature': json(400, { __type: 'InvalidSignatureException', message: 'Signature expired: …' }),
  'a wrong signature': json(400, { __type: 'InvalidSignatureException', message: 'It does not match' }),
  'a connection that is cut': (response) => void response.socket?.destroy(),
  'an answer that is cut off': (response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"Item"', () => response.socket?.destroy());
  },
};

/** How often a client sends a request that meets a fault every time, and the error at the end. */
async function meet(fault: Answer, send: () => Promise<unknown>) {
  answers = [fault];
  requests = [];
  const error = await send().catch((thrown: unknown) => thrown);
  return { name: (error as Error).name, tries: requests.length };
}

describe("a request to the table that is refused is repeated as the SDK's client repeats it:", () => {
  it.each(Object.entries(FAULTS))('%s', async (name, fault) => {
    pauseBriefly();
    const theirClient = new sdk.DynamoDBClient({ maxAttempts: 5, endpoint: endpoint() });
    const theirs = await meet(fault, () => theirClient.send(new sdk.GetItemCommand(INPUT)));
    theirClient.destroy();

    const ours = await meet(fault, () => new DynamoDBClient(PATIENT).send(read()));

    expect(ours.tries).toBe(theirs.tries);
    if (name.endsWith('Exception')) expect(ours.name).toBe(theirs.name);
  });
});

describe('a request to the table', () => {
  it('is answered after a fault has passed', async () => {
    pauseBriefly();
    answers = [refusal('ThrottlingException'), refusal('InternalServerError', 500), json(200, 'no JSON'), ok];

    expect(await new DynamoDBClient(PATIENT).send(read())).toEqual({ Item: { pk: { S: 'a' } } });
    expect(requests).toHaveLength(4);
  });

  it('fails with what DynamoDB says, and how often it was tried', async () => {
    answers = [refusal('ValidationException')];

    await expect(new DynamoDBClient(PATIENT).send(read())).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'no',
      $metadata: { attempts: 1 },
    });
  });

  it('with a wrong signature fails without the request that DynamoDB repeats, and its token', async () => {
    const message =
      'It does not match. Consult the documentation.\n\nThe Canonical String should have been\nx-amz-security-token:t0ken';
    answers = [json(400, { __type: 'InvalidSignatureException', message })];

    await expect(new DynamoDBClient(PATIENT).send(read())).rejects.toThrow(
      /^It does not match. Consult the documentation.$/,
    );
  });

  it('whose answers are no JSON fails with a sentence', async () => {
    pauseBriefly();
    answers = [json(200, '<html>')];

    await expect(new DynamoDBClient(PATIENT).send(read())).rejects.toThrow(
      'DynamoDB answered 200 without an object of JSON',
    );
  });

  it('whose condition fails is told apart', async () => {
    answers = [refusal('ConditionalCheckFailedException')];
    const write = new PutItemCommand({ TableName: 't', Item: {} });

    await expect(new DynamoDBClient(PATIENT).send(write)).rejects.toBeInstanceOf(
      ConditionalCheckFailedException,
    );
  });

  it('uses one connection after the other', async () => {
    answers = [ok];
    const client = new DynamoDBClient(PATIENT);
    await client.send(read());
    const before = connections;

    for (let turn = 0; turn < 3; turn += 1) await client.send(read());

    expect(connections).toBe(before);
  });

  it('ends when it is told to, even if no answer comes', async () => {
    answers = [() => {}];
    const controller = new AbortController();
    const sent = new DynamoDBClient(PATIENT).send(read(), { abortSignal: controller.signal });
    await vi.waitFor(() => expect(requests).toHaveLength(1));

    controller.abort(new Error('enough'));

    await expect(sent).rejects.toThrow('enough');
    expect(requests).toHaveLength(1);
  });

  it('ends when it is told to between two tries', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    answers = [refusal('ThrottlingException')];
    const controller = new AbortController();
    const sent = new DynamoDBClient(PATIENT).send(read(), { abortSignal: controller.signal });
    await vi.waitFor(() => expect(requests).toHaveLength(1));

    controller.abort();

    await expect(sent).rejects.toMatchObject({ name: 'AbortError' });
    expect(requests).toHaveLength(1);
  });

  it('that names items in many tables brings what DynamoDB sends', async () => {
    const Responses = { t: [{ pk: { S: 'a' } }] };
    answers = [json(200, { Responses, UnprocessedKeys: {} })];

    const answer = await new DynamoDBClient(PATIENT).send(
      new BatchGetItemCommand({ RequestItems: { t: { Keys: [INPUT.Key] } } }),
    );

    expect(answer.Responses).toEqual(Responses);
    expect(requests[0]?.headers['x-amz-target']).toBe('DynamoDB_20120810.BatchGetItem');
  });
});

describe('a refusal of another service', () => {
  const EVENTS = { name: 'events', endpointVariable: 'EVENTBRIDGE' };
  const call = () => callAws(EVENTS, { path: '/', headers: {}, body: '{"Detail": "a prompt"}' });

  it('for want of a right says which, and whose', async () => {
    const Message = 'User: arn:…:role/submit is not authorized to perform: events:PutEvents';
    answers = [json(400, { __type: 'AccessDeniedException', Message })];

    await expect(call()).rejects.toThrow(`events answered 400 AccessDeniedException: ${Message}`);
  });

  it('for another reason repeats nothing of the request', async () => {
    answers = [json(400, { __type: 'ValidationException', message: 'The value "a prompt" is too long' })];

    await expect(call()).rejects.toThrow(/^events answered 400 ValidationException$/);
  });
});

it('a table that is down does not get five times the requests', async () => {
  pauseBriefly();
  answers = [refusal('InternalServerError', 500)];
  const client = new DynamoDBClient(PATIENT);

  await Promise.allSettled(Array.from({ length: 40 }, () => client.send(read())));

  // The budget allows 500 / 14 repeats.
  expect(requests).toHaveLength(40 + 35);

  answers = [ok];
  requests = [];
  await client.send(read());
  expect(requests).toHaveLength(1);
});

describe('a clock that is an hour off', () => {
  const HOUR = 3_600_000;
  /** Refuses signatures of another time than its own. */
  const strict =
    (aheadMs: number, target: unknown): Answer =>
    (response, { headers }) => {
      const [, y, mo, d, h, mi, s] =
        /^(....)(..)(..)T(..)(..)(..)Z$/.exec(String(headers['x-amz-date'])) ?? [];
      const signedAt = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
      const now = Date.now() + aheadMs;
      const date = new Date(now).toUTCString();
      if (Math.abs(signedAt - now) < 300_000) json(200, target, { date })(response, {} as IncomingMessage);
      else
        json(
          403,
          { __type: 'RequestTimeTooSkewed', message: 'off' },
          { date },
        )(response, {} as IncomingMessage);
    };
  // Other tests have the right time.
  afterEach(async () => {
    answers = [strict(0, {})];
    await new DynamoDBClient(PATIENT).send(read());
  });

  it('is corrected by the answer of the table: the request is sent once more, later ones are right at once', async () => {
    pauseBriefly();
    answers = [strict(HOUR, { Item: { pk: { S: 'a' } } })];
    const client = new DynamoDBClient(PATIENT);

    expect(await client.send(read())).toHaveProperty('Item');
    expect(requests).toHaveLength(2);
    await client.send(read());
    expect(requests).toHaveLength(3);
  });

  it('is corrected for every service', async () => {
    pauseBriefly();
    answers = [strict(-HOUR, {})];
    const ssm = { name: 'ssm', endpointVariable: 'SSM' };

    await callAws(ssm, { path: '/', headers: {}, body: '{}' });
    expect(requests).toHaveLength(2);
    await new DynamoDBClient(PATIENT).send(read());
    expect(requests).toHaveLength(3);
  });
});
