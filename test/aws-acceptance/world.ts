import { createHash, randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, ListObjectsV2Command, NoSuchKey, PutObjectCommand } from '@aws-sdk/client-s3';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { GenerationRecord } from '../../functions/api/record.ts';
import type { RequestOrigin } from '../../functions/generation/generation.ts';
import { generationId } from '../../functions/request/identity.ts';
import type { FaultRule } from '../../local/simulator/fault-rules.ts';
import type { TaskState } from '../../local/simulator/state.ts';
import type { Account } from './account.ts';
import type { Api } from './api.ts';
import { findChecksumFault } from './checksum-fault.ts';
import type { BusEvent, EventQueue } from './event-queue.ts';
import type { Send } from './send.ts';
import { SkippedError } from './skipped-error.ts';
import type { StackOutputs } from './stack.ts';
import type { WiroControl } from './wiro-control.ts';

export interface StoredObject {
  readonly bytes: Buffer;
  readonly sha256: string;
  readonly contentType: string | undefined;
}

/** The deployed stack and its surroundings, for a flow. */
export interface World {
  readonly api: Api;
  readonly outputs: StackOutputs;
  /** Whether this is the real AWS. Then flows may skip nothing that emulators lack. */
  readonly isAws: boolean;
  /** The Function URL of `callback`, even if Wiro gets another address. */
  readonly callbackUrl: string;
  /** Whether faults can be planned: only with a simulator. */
  readonly canFail: boolean;
  /** What starts `reconcile`, for the table. */
  readonly reconciledBy: string;
  /** Sends an HTTP request to a URL of the stack. */
  readonly send: Send;
  /** Aborts when the run is stopped or the flow takes too long. */
  readonly signal: AbortSignal;
  /** The id of the generation that a request with this key gets. */
  idOf(origin: RequestOrigin, key: string): string;
  /** Creates an idempotency key, and the id of the generation that it will get. */
  plan(): { readonly idempotencyKey: string; readonly id: string };
  /**
   * Makes Wiro fail for one generation.
   * @throws {SkippedError} If this Wiro is not a simulator.
   */
  fault(id: string, fault: Pick<FaultRule, 'operation' | 'fault'>): Promise<void>;
  /** The tasks of a generation. `undefined` if this Wiro is not a simulator. */
  tasksOf(id: string): Promise<readonly TaskState[] | undefined>;
  /** Whether the table has a callback for a generation. */
  wasCalledBack(id: string): Promise<boolean>;
  /** Repeats a look until it finds something. */
  until<Value>(what: string, look: () => Promise<Value | undefined> | Value | undefined): Promise<Value>;
  /** Waits until the generation has ended. @returns Its record. */
  ended(id: string): Promise<GenerationRecord>;
  /** Puts an object into the input bucket. */
  put(key: string, body: string | Buffer, contentType: string): Promise<void>;
  /** Reads an object. @default - from the input bucket */
  object(key: string, bucket?: string): Promise<StoredObject | undefined>;
  /** Reads an object of any size from S3. @returns Its SHA-256 and size. */
  digest(key: string, bucket: string): Promise<{ readonly sha256: string; readonly sizeBytes: number }>;
  /** Why this S3 cannot store an object in parts with the right checksum. `undefined` if it can. */
  findChecksumFault(): Promise<string | undefined>;
  /** Lists the keys with this prefix. */
  keys(bucket: string, prefix: string): Promise<readonly string[]>;
  /**
   * The stack's events on the bus so far.
   * @throws {SkippedError} If this AWS cannot deliver them to a queue.
   */
  events(): readonly BusEvent[];
  /** Puts an event on the bus, like an application. @returns Its id. */
  publish(detailType: string, detail: unknown): Promise<string>;
}

export interface WorldOptions {
  readonly account: Account;
  readonly api: Api;
  readonly outputs: StackOutputs;
  readonly deployment: string;
  readonly isAws: boolean;
  readonly callbackUrl: string;
  readonly reconciledBy: string;
  readonly send: Send;
  readonly control: WiroControl | undefined;
  /** The queue of events, or why there is none. */
  readonly eventQueue: EventQueue | { readonly missing: string };
}

const POLL_MS = 500;

export function createWorld(options: WorldOptions, signal: AbortSignal): World {
  const { account, api, outputs, deployment, control, eventQueue } = options;

  const idOf: World['idOf'] = (origin, key) => generationId(deployment, origin, key);

  const until: World['until'] = async (what, look) => {
    for (let last: unknown; ; ) {
      try {
        const found = await look();
        if (found !== undefined) return found;
        last = undefined;
      } catch (error) {
        // A failed look is repeated. The last error is reported.
        last = error;
      }
      await wait(POLL_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) throw new Error(`Waited in vain for ${what}`, { cause: last ?? signal.reason });
    }
  };

  return {
    ...options,
    canFail: control !== undefined,
    signal,
    idOf,
    plan: () => {
      const idempotencyKey = randomUUID();
      return { idempotencyKey, id: idOf('api', idempotencyKey) };
    },
    fault: async (id, rule) => {
      if (!control) throw new SkippedError('this Wiro cannot be told to fail');
      await control.addFault({ ...rule, match: { callbackUrlIncludes: `/${id}/` } } as FaultRule);
    },
    tasksOf: async (id) =>
      (await control?.state())?.tasks.filter(({ callbackUrl }) => callbackUrl.includes(`/${id}/`)),
    wasCalledBack: async (id) => {
      const { Item } = await account.dynamodb.send(
        new GetItemCommand({
          TableName: outputs.table,
          Key: { pk: { S: `generation#${id}` }, sk: { S: 'state' } },
          ConsistentRead: true,
        }),
      );
      return Item !== undefined && unmarshall(Item).callback !== undefined;
    },
    until,
    ended: async (id) => {
      let last = 'no record';
      return until(`the end of generation ${id}`, async () => {
        const record = await api.read(id);
        last = record.status;
        return record.endedAt === undefined ? undefined : record;
      }).catch((error: Error) => {
        throw new Error(`${error.message}: the last status was ${last}`, { cause: error.cause });
      });
    },
    put: async (Key, body, ContentType) => {
      await account.s3.send(
        new PutObjectCommand({ Bucket: outputs.inputBucket, Key, Body: Buffer.from(body), ContentType }),
      );
    },
    object: async (Key, Bucket = outputs.inputBucket) => {
      try {
        const { Body, ContentType } = await account.s3.send(new GetObjectCommand({ Bucket, Key }));
        if (!Body) return undefined;
        const bytes = Buffer.from(await Body.transformToByteArray());
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        return { bytes, sha256, contentType: ContentType };
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    digest: async (Key, Bucket) => {
      const { Body } = await account.s3.send(new GetObjectCommand({ Bucket, Key }), { abortSignal: signal });
      const hash = createHash('sha256');
      let sizeBytes = 0;
      for await (const chunk of Body as Readable) {
        hash.update(chunk);
        sizeBytes += chunk.length;
      }
      return { sha256: hash.digest('hex'), sizeBytes };
    },
    findChecksumFault: () =>
      findChecksumFault(account.s3, { Bucket: outputs.inputBucket, Key: `probe-${randomUUID()}` }),
    keys: async (Bucket, Prefix) => {
      const { Contents = [] } = await account.s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
      return Contents.flatMap(({ Key }) => Key ?? []);
    },
    events: () => {
      if ('missing' in eventQueue) throw new SkippedError(eventQueue.missing);
      return eventQueue.events;
    },
    publish: async (DetailType, detail) => {
      const entry = { EventBusName: outputs.eventBus, Source: 'test.aws-acceptance', DetailType };
      const { Entries } = await account.eventBridge.send(
        new PutEventsCommand({ Entries: [{ ...entry, Detail: JSON.stringify(detail) }] }),
      );
      const { EventId, ErrorMessage } = Entries?.[0] ?? {};
      if (EventId === undefined) throw new Error(`The bus did not take the event: ${ErrorMessage}`);
      return EventId;
    },
  };
}
