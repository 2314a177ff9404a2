import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { S3EventRecord } from 'aws-lambda';
import { vi } from 'vitest';
import { answerRequest } from '../../functions/api/routes.ts';
import type { BusEvent } from '../../functions/events/put-events.ts';
import type { KnownRequest } from '../../functions/events/report-known.ts';
import type { AcceptDeps } from '../../functions/intake/accept-generation.ts';
import { receiveEvent } from '../../functions/intake/receive-event.ts';
import { receiveObject } from '../../functions/intake/receive-objects.ts';
import { InputChangedError } from '../../functions/objects/errors.ts';
import type { FoundObject, ObjectRef } from '../../functions/objects/types.ts';
import type { ResultsPlace } from '../../functions/request/accepted-request.ts';
import { type Presets, parsePresets } from '../../functions/request/preset.ts';
import type { SourceRules } from '../../functions/request/source.ts';
import { log } from '../../functions/runtime/log.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { createDeliveryStore } from '../../functions/store/delivery-store.ts';
import { createGenerationStore } from '../../functions/store/generation-store.ts';
import { createHistory } from '../../functions/store/history.ts';
import { createTimelines } from '../../functions/store/timelines.ts';
import { createUsageReader } from '../../functions/store/usage-reader.ts';
import { at } from '../generation/examples.ts';
import { createMemoryTable, type Item } from '../store/memory-table.ts';

export const BUCKET = 'photos';

const PRESETS: Presets = {
  portraits: { model: 'wiro/flux', fileParameter: 'inputImage' },
  framed: { model: 'wiro/flux', fileParameter: 'inputImage', inputs: { frame: 'private/frame.png' } },
  stolen: { model: 'wiro/flux', fileParameter: 'inputImage', inputs: { mask: 's3://secrets/mask.png' } },
};

interface PutOptions {
  /** Seconds. */
  readonly at?: number;
  readonly etag?: string;
  readonly checksum?: string;
  readonly versionId?: string;
}

/** Every door over real stores, and a bucket in memory whose events the test delivers. */
export function doorWorld({
  knownModel = async () => undefined,
  prefixes,
}: Partial<Pick<AcceptDeps, 'knownModel'>> & Pick<SourceRules, 'prefixes'> = {}) {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
  const items = new Map<string, Item>();
  const table = createMemoryTable(async () => {
    if (faults.table) throw new Error('DynamoDB is away');
  }, items);
  const clock = () => new Date(at(0));
  const objects = new Map<string, { readonly found: FoundObject; readonly bytes: Buffer }>();
  const faults: { table: boolean; head: ((key: string) => Error | undefined) | undefined } = {
    table: false,
    head: undefined,
  };
  const written = new Map<string, unknown>();
  const pages = new Map<string, string>();
  const submitted: string[] = [];
  const knownIn = new Map<string, readonly KnownRequest[]>();
  const told: BusEvent[] = [];
  const rules = { inputBucket: BUCKET, furtherBuckets: [], ...(prefixes && { prefixes }) };
  const generations = createGenerationStore(table, {
    clock,
    overflow: { write: async () => undefined, read: async () => undefined },
  });
  let puts = 0;
  const deps = {
    deployment: 'shop',
    rules,
    inputBucket: BUCKET,
    outputBucket: 'outputs',
    outputPrefix: 'outputs/',
    timeZone: 'Europe/Berlin',
    presets: parsePresets(PRESETS, { inputBucket: BUCKET, furtherBuckets: [], anyBucket: true }),
    rejections: {
      read: async ({ key }: ObjectRef) =>
        written.has(key) ? { value: written.get(key), etag: JSON.stringify(written.get(key)) } : undefined,
      remove: async ({ key }: ObjectRef, etag: string) =>
        JSON.stringify(written.get(key)) === etag && written.delete(key),
      update: async ({ key }: ObjectRef, change: (value: unknown) => unknown) =>
        void written.set(key, change(written.get(key))),
      write: async ({ key }: ObjectRef, value: unknown) => {
        written.set(key, value);
        return true;
      },
      writePage: async ({ key }: ObjectRef, html: string) => void pages.set(key, html),
    },
    submit: async (id: string) => void submitted.push(id),
    reportKnown: async (place: Omit<ResultsPlace, 'index'>, known: readonly KnownRequest[]) => {
      if (known.length > 0) knownIn.set(place.key, known);
    },
    collect: async () => undefined,
    putEvents: async (events: readonly BusEvent[]) => void told.push(...events),
    inputs: {
      head: async ({ key }: ObjectRef) => {
        const fault = faults.head?.(key);
        if (fault) throw fault;
        return objects.get(key)?.found;
      },
      open: async ({ key, etag }: FoundObject) => {
        const object = objects.get(key);
        if (object?.found.etag !== etag) throw new InputChangedError('it changed');
        return Readable.from([object.bytes]);
      },
    },
    generations,
    history: createHistory(table, { read: async () => undefined }),
    timelines: createTimelines(table),
    usage: createUsageReader(table),
    deliveries: createDeliveryStore(table, { deployment: 'shop', sameDropMs: DURATIONS.sameDrop, clock }),
    wiro: { task: async () => undefined, model: async () => undefined, models: async () => ({ models: [] }) },
    knownModel,
    socketUrl: '',
    missingSecrets: async () => undefined,
    ahead: async () => 0,
    presign: () => Promise.reject(new Error('nothing has ended')),
    presignUpload: () => Promise.reject(new Error('nothing is uploaded')),
    durations: DURATIONS,
    clock,
    remainingMs: () => 300_000,
  };
  return {
    deps,
    table,
    items,
    faults,
    objects,
    written,
    /** HTML pages by key. */
    pages,
    submitted,
    told,
    /** Requests whose keys were used before, by the results file that they were reported to. */
    knownIn,
    /** Ids of the accepted generations. */
    accepted: () =>
      [...items.values()]
        .filter(({ sk }) => sk === 'state')
        .map(({ pk }) => String(pk).slice('generation#'.length)),
    generation: (id: string) => generations.get(id),
    request: async (id: string) => (await generations.whole(id))?.request,
    /** Puts an object. @returns Its event. */
    put(key: string, content: string, options: PutOptions = {}): Pick<S3EventRecord, 's3' | 'eventTime'> {
      puts += 1;
      const bytes = Buffer.from(content);
      const etag = options.etag ?? createHash('md5').update(bytes).digest('hex');
      const { checksum, versionId } = options;
      const found: FoundObject = {
        bucket: BUCKET,
        key,
        etag: `"${etag}"`,
        sizeBytes: bytes.length,
        lastModified: at(options.at ?? puts),
        ...(checksum !== undefined && { checksum }),
        ...(versionId !== undefined && { versionId }),
      };
      objects.set(key, { found, bytes });
      const object = { key, eTag: etag, sequencer: String(puts).padStart(4, '0'), size: bytes.length };
      return {
        eventTime: at(options.at ?? puts),
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: 'c',
          bucket: { name: BUCKET, ownerIdentity: { principalId: 'p' }, arn: `arn:aws:s3:::${BUCKET}` },
          object: { ...object, ...(versionId !== undefined && { versionId }) },
        },
      };
    },
    deliver: (event: Pick<S3EventRecord, 's3' | 'eventTime'>) => receiveObject(deps, event),
    /** Delivers an event as Lambda does: until it succeeds, three times at most. @returns How often it failed. */
    async deliverUpToThrice(deliver: () => Promise<unknown>): Promise<number> {
      for (let failures = 0; failures < 3; failures += 1) {
        const isDone = await deliver().then(
          () => true,
          () => false,
        );
        if (isDone) return failures;
      }
      return 3;
    },
    ask: (id: string, detail: unknown) => receiveEvent(deps, { id, detail }),
    post: (request: unknown) =>
      answerRequest(deps, {
        method: 'POST',
        path: '/generations',
        body: Buffer.from(typeof request === 'string' ? request : JSON.stringify(request)),
      }),
  };
}
