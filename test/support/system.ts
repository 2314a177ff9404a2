import { createHash, randomUUID } from 'node:crypto';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { afterAll } from 'vitest';
import { createClient, type GenerationRequest } from '../../client/index.ts';
import type { GenerationRecord } from '../../functions/api/record.ts';
import { generationId } from '../../functions/request/identity.ts';
import type { PARAMETER } from '../../functions/settings.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import type { BusEvent } from '../../local/aws/events.ts';
import { type Environment, type EnvironmentOptions, startEnvironment } from '../../local/environment.ts';
import type { FaultRule } from '../../local/simulator/fault-rules.ts';
import type { Simulator } from '../../local/simulator/simulator.ts';
import type { TaskState } from '../../local/simulator/state.ts';
import { answerFaults, operationOf } from './api-contract.ts';
import { bundlesOnce } from './bundles.ts';
import { eventually } from './eventually.ts';

/** Waits are divided by 100. Limits of work are long enough for a busy machine. */
const QUICK = {
  durationDivisor: 100,
  scheduleMs: 1_000,
  // Each is a process to start, which two cores must bear.
  maximumEnvironments: 1,
  durations: {
    lease: 20_000,
    leaseRenewal: 5_000,
    markLease: 30_000,
    runLimit: 20_000,
    runSendLimit: 15_000,
    connect: 10_000,
    headers: 10_000,
    body: 10_000,
    stall: 10_000,
    modelLimit: 10_000,
    patience: 60_000,
    unauthorizedPatience: 60_000,
    outputPatience: 60_000,
    stopLimit: 60_000,
    taskErrorLimit: 1_000,
    deadline: 600_000,
    searchMargin: 300_000,
    modelCache: 600_000,
    secrets: 300_000,
    uploadReuse: 86_400_000,
    // A look needs the same two cores as the upload that it waits for.
    uploadPoll: 100,
  },
} as const satisfies EnvironmentOptions;

/** The same, but a lost Run is searched for and given up within seconds. */
export const HASTY = {
  markLease: 2_500,
  runLimit: 1_500,
  runSendLimit: 1_200,
  connect: 1_500,
  headers: 1_500,
  body: 1_500,
  stall: 1_500,
  outputRecheck: 1_000,
} as const;

/** The system with its simulator, for a test file. */
export interface System extends SystemClient {
  readonly simulator: Simulator;
  /** The tasks of a generation, oldest first. */
  tasksOf(id: string): readonly TaskState[];
  /** Creates an idempotency key, the id of the generation that it will get, and faults for that generation alone. */
  plan(...faults: readonly PlannedFault[]): { readonly idempotencyKey: string; readonly id: string };
}

/** A fault for one generation. */
export type PlannedFault = FaultRule extends infer Rule
  ? Rule extends FaultRule
    ? Omit<Rule, 'match' | 'id'> & {
        readonly match?: Omit<NonNullable<Rule['match']>, 'callbackUrlIncludes'>;
      }
    : never
  : never;

/** What a test can do with the system from outside, with any Wiro. */
export interface SystemClient {
  readonly environment: Environment;
  readonly s3: S3Client;
  /** Sends any request to the API. */
  call(
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    contentType?: string,
  ): Promise<ApiAnswer>;
  /** `POST /generations`. */
  post(request: unknown): Promise<ApiAnswer>;
  /** `POST /generations`. @throws If it is not accepted. */
  submit(request: GenerationRequestBody): Promise<GenerationRecord>;
  read(id: string): Promise<GenerationRecord>;
  /** Waits until the record meets a condition. @returns The record. */
  reached(id: string, isReached: (record: GenerationRecord) => boolean): Promise<GenerationRecord>;
  /** Waits until the generation has ended and all is announced. @returns The record. */
  ended(id: string): Promise<GenerationRecord>;
  /** The stored item. */
  item(id: string): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** The events on the bus without repeats (by `eventId`), oldest first. */
  eventsOf(id: string): readonly BusEvent[];
  /** Puts an object into the input bucket. */
  put(key: string, body: string | Uint8Array, contentType?: string): Promise<void>;
  /** Reads an object. @default - from the input bucket */
  object(key: string, bucket?: string): Promise<StoredObject | undefined>;
  keys(bucket: string, prefix: string): Promise<readonly string[]>;
  parameter(name: (typeof PARAMETER)[keyof typeof PARAMETER]): Promise<string>;
}

export interface GenerationRequestBody {
  readonly model: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly inputs?: Readonly<Record<string, string | readonly string[]>>;
  readonly idempotencyKey?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export interface StoredObject {
  readonly bytes: Buffer;
  readonly sha256: string;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Starts the system with a simulator for one test file, and stops it at the file's end. */
export async function startSystem(options: EnvironmentOptions = {}): Promise<System> {
  const client = await startClient({
    ...options,
    simulator: { outputs: 'tiny', concurrencyLimit: null, workers: 1_000, ...options.simulator },
  });
  const { simulator } = client.environment;
  if (!simulator) throw new Error('The environment has no simulator');
  return {
    ...client,
    simulator,
    tasksOf: (id) => simulator.tasks().filter(({ callbackUrl }) => callbackUrl.includes(`/${id}/`)),
    plan: (...faults) => {
      const idempotencyKey = randomUUID();
      const id = generationId('local', 'api', idempotencyKey);
      simulator.faults.add(
        ...faults.map(
          (fault) => ({ ...fault, match: { ...fault.match, callbackUrlIncludes: `/${id}/` } }) as FaultRule,
        ),
      );
      return { idempotencyKey, id };
    },
  };
}

/** Starts the system with the Wiro in `options` for one test file, and stops it at the file's end. */
export async function startClient(options: EnvironmentOptions): Promise<SystemClient> {
  const environment = await startEnvironment({
    ...QUICK,
    ...options,
    durations: { ...QUICK.durations, ...options.durations },
    bundles: options.bundles ?? (await bundlesOnce()),
  });
  const { endpoints } = environment;
  const aws = { region: endpoints.region, credentials: LOCAL_CREDENTIALS };
  const s3 = new S3Client({ ...aws, endpoint: endpoints.s3, forcePathStyle: true });
  const dynamodb = new DynamoDBClient({ ...aws, endpoint: endpoints.dynamodb });
  const ssm = new SSMClient({ ...aws, endpoint: endpoints.ssm });
  afterAll(async () => {
    await environment.stop();
    for (const client of [s3, dynamodb, ssm]) client.destroy();
  });

  /** Checks that the API's contract allows the answer. */
  const checkedFetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const response = await fetch(request);
    const text = await response.text();
    const { pathname, search } = new URL(request.url);
    const operation = operationOf(request.method, pathname + search);
    const answer = { status: response.status, headers: response.headers, body: parse(text) };
    const faults = operation === undefined ? [] : answerFaults(operation, answer);
    if (faults.length > 0)
      throw new Error(`docs/openapi.yaml does not allow this answer:\n${faults.join('\n')}`);
    return new Response(text === '' ? null : text, answer);
  };
  // Do not repeat a request: that could hide a fault of the system under test.
  const wiro = createClient({ url: endpoints.api, maximumTries: 1, fetch: checkedFetch });

  const call: SystemClient['call'] = async (method, path, body, contentType = 'application/json') => {
    const response = await checkedFetch(endpoints.api + path, {
      method,
      ...(body !== undefined && { body, headers: { 'content-type': contentType } }),
    });
    return { status: response.status, headers: response.headers, body: parse(await response.text()) };
  };

  const post = (request: unknown) => call('POST', '/generations', JSON.stringify(request));

  const read = async (id: string) => (await wiro.get(id)) as GenerationRecord;

  async function item(id: string) {
    const Key = { pk: { S: `generation#${id}` }, sk: { S: 'state' } };
    const { Item } = await dynamodb.send(
      new GetItemCommand({ TableName: endpoints.table, Key, ConsistentRead: true }),
    );
    return Item && unmarshall(Item);
  }

  const reached: System['reached'] = async (id, isReached) => {
    let latest: GenerationRecord | undefined;
    let revision: unknown;
    return eventually(`generation ${id}`, async () => {
      // Request a record only if it was written since: requests are work for the system under test.
      const { revision: standing } = (await item(id)) ?? {};
      if (latest && standing === revision) return false;
      revision = standing;
      latest = await read(id);
      return isReached(latest) && latest;
    }).catch((cause: unknown) => {
      throw new Error(`A generation got no further than ${JSON.stringify(latest)}`, { cause });
    });
  };

  return {
    environment,
    s3,
    call,
    post,
    submit: async (request) => (await wiro.submit(request as GenerationRequest)) as GenerationRecord,
    read,
    reached,
    ended: async (id) => {
      // The bus is in this process, so a look there costs the system under test nothing.
      await eventually(`the end of generation ${id}`, () =>
        environment.events().some(({ detail }) => detail.id === id && ENDS.has(String(detail.status))),
      ).catch(async (cause: unknown) => {
        throw new Error(`A generation got no further than ${JSON.stringify(await item(id))}`, { cause });
      });
      await eventually(`the announcements of ${id}`, async () => {
        const { announcements } = (await item(id)) ?? {};
        return Array.isArray(announcements) && announcements.length === 0;
      });
      return read(id);
    },
    item,
    eventsOf: (id) => {
      const told = environment.events().filter(({ detail }) => detail.id === id);
      return [...Map.groupBy(told, ({ detail }) => detail.eventId).values()].flatMap(
        ([first]) => first ?? [],
      );
    },
    put: async (key, body, contentType) => {
      await s3.send(
        new PutObjectCommand({
          Bucket: endpoints.inputBucket,
          Key: key,
          Body: Buffer.from(body),
          ...(contentType && { ContentType: contentType }),
        }),
      );
    },
    object: async (key, bucket = endpoints.inputBucket) => {
      const found = await s3
        .send(new GetObjectCommand({ Bucket: bucket, Key: key }))
        .catch((error: Error) => {
          if (error.name === 'NoSuchKey') return undefined;
          throw error;
        });
      if (!found?.Body) return undefined;
      const bytes = Buffer.from(await found.Body.transformToByteArray());
      return { bytes, sha256: sha256(bytes), contentType: found.ContentType, metadata: found.Metadata ?? {} };
    },
    keys: async (Bucket, Prefix) => {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
      return Contents.map(({ Key = '' }) => Key);
    },
    parameter: async (name) => {
      const { Parameter } = await ssm.send(
        new GetParameterCommand({ Name: `${endpoints.parameterPath}/${name}`, WithDecryption: true }),
      );
      if (Parameter?.Value === undefined) throw new Error(`There is no parameter "${name}"`);
      return Parameter.Value;
    },
  };
}

const ENDS: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Downloads a URL. */
export async function download(
  url: string,
): Promise<{ readonly bytes: Buffer; readonly response: Response }> {
  const response = await fetch(url);
  return { bytes: Buffer.from(await response.arrayBuffer()), response };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
