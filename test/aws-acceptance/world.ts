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

/** What a flow works with: the deployed stack, and the world around it. */
export interface World {
  readonly api: Api;
  readonly outputs: StackOutputs;
  /** The real AWS, not an emulator: what an emulator may leave out must work. */
  readonly isAws: boolean;
  /** The Function URL of `callback`, whatever Wiro is given in its place. */
  readonly callbackUrl: string;
  /** Whether Wiro can be told to fail: a simulator can. */
  readonly canFail: boolean;
  /** How `reconcile` is started, for the table. */
  readonly reconciledBy: string;
  /** An HTTP request to a URL that the stack gave out. */
  readonly send: Send;
  /** Aborted when the run is stopped or the flow has taken too long. */
  readonly signal: AbortSignal;
  /** The id of the generation that such a request becomes. */
  idOf(origin: RequestOrigin, key: string): string;
  /** An idempotency key of one's own, and the id of the generation that it will stand for. */
  plan(): { readonly idempotencyKey: string; readonly id: string };
  /**
   * Makes Wiro fail for one generation.
   * @throws {SkippedError} When this Wiro cannot be told to.
   */
  fault(id: string, fault: Pick<FaultRule, 'operation' | 'fault'>): Promise<void>;
  /** Tasks made for a generation; `undefined` where Wiro does not tell. */
  tasksOf(id: string): Promise<readonly TaskState[] | undefined>;
  /** Whether the table notes a callback for a generation. */
  wasCalledBack(id: string): Promise<boolean>;
  /** Looks again and again until something is there. */
  until<Value>(what: string, look: () => Promise<Value | undefined> | Value | undefined): Promise<Value>;
  /** The record once the generation is over. */
  ended(id: string): Promise<GenerationRecord>;
  /** Puts an object into the input bucket. */
  put(key: string, body: string | Buffer, contentType: string): Promise<void>;
  /** An object of the input bucket, unless another is named. */
  object(key: string, bucket?: string): Promise<StoredObject | undefined>;
  /** Sum and size of an object of any size, as S3 gives it out. */
  digest(key: string, bucket: string): Promise<{ readonly sha256: string; readonly sizeBytes: number }>;
  /** Why S3 here cannot store an object in parts with the right checksum; `undefined` where it can. */
  findChecksumFault(): Promise<string | undefined>;
  /** Keys that begin so. */
  keys(bucket: string, prefix: string): Promise<readonly string[]>;
  /**
   * The stack's events that came to the bus so far.
   * @throws {SkippedError} When nobody can listen there.
   */
  events(): readonly BusEvent[];
  /** Puts an event on the bus, as an application would. @returns Its id. */
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
  /** Or why there is none. */
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
        // One look that fails is no reason to give up; the last one says what was wrong.
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
