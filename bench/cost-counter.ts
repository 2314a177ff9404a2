import type { FunctionName } from '../functions/functions.ts';
import { ENV } from '../functions/settings.ts';
import type { LocalService } from '../local/aws/local-service.ts';
import {
  type Attribute,
  type Item,
  indexWriteUnits,
  readUnits,
  tableWriteUnits,
} from './consumed-capacity.ts';
import { type Exchange, startCountingProxy } from './counting-proxy.ts';

/** Counts of billed operations. */
export interface Counts {
  dynamoDbWrites: number;
  dynamoDbWriteUnits: number;
  dynamoDbReads: number;
  dynamoDbReadUnits: number;
  /** PUT, POST and LIST, which cost the same. */
  s3Puts: number;
  /** GET, HEAD and all others except deletions. */
  s3Gets: number;
  ssmParameters: number;
  events: number;
  wiroCalls: number;
  /** Bytes of bodies in both directions. */
  bytesMoved: number;
  /** Bytes sent to Wiro, which are data transfer out of AWS. */
  bytesToWiro: number;
}

export type CountsByFunction = Record<FunctionName, Counts>;

export interface Counter {
  /** For `EnvironmentOptions.endpointOverrides`: puts a proxy between a function and each of its services. */
  endpointOverrides(
    name: FunctionName,
    environment: Readonly<Record<string, string>>,
  ): Promise<Record<string, string>>;
  /** The counts so far. */
  counts(): CountsByFunction;
  stop(): Promise<void>;
}

/** Counts of zero. */
export const none = (): Counts => ({
  dynamoDbWrites: 0,
  dynamoDbWriteUnits: 0,
  dynamoDbReads: 0,
  dynamoDbReadUnits: 0,
  s3Puts: 0,
  s3Gets: 0,
  ssmParameters: 0,
  events: 0,
  wiroCalls: 0,
  bytesMoved: 0,
  bytesToWiro: 0,
});

/** One request of a function. */
export interface Call {
  readonly function: FunctionName;
  /** What it was, in the words of `limits.ts`: `PutItem state`, `S3 PUT`, `EVENTBRIDGE`. */
  readonly name: string;
  /** What it added to the counts. */
  readonly added: Counts;
  /** The write units by place: an index by its name, and the table by the first word of the partition key. */
  readonly writeUnits: Readonly<Record<string, number>>;
}

/**
 * Counts the functions' requests to AWS and Wiro with a proxy between each function and each service.
 * @param onCall - Hears every request by itself.
 */
export function createCounter(onCall: (call: Call) => void = () => {}): Counter {
  const started: LocalService[] = [];
  const all: CountsByFunction = { api: none(), submit: none(), callback: none(), reconcile: none() };
  // All writes pass here, so the previous item of each write is known.
  const items = new Map<string, Item>();

  /** @returns The write units by place. */
  function countDynamoDb(
    counts: Counts,
    { target, request, status, answer }: Exchange,
  ): Readonly<Record<string, number>> {
    const asked = JSON.parse(request.toString('utf8'));
    const answered = JSON.parse(answer.toString('utf8') || '{}');
    if (target === 'BatchGetItem') {
      const found = Object.values<readonly Item[]>(answered.Responses ?? {}).flat();
      counts.dynamoDbReads += 1;
      // Each item is rounded up by itself, unlike those of a query.
      counts.dynamoDbReadUnits += found.reduce((sum, item) => sum + readUnits([item], false), 0);
      return {};
    }
    if (target === 'GetItem' || target === 'Query') {
      counts.dynamoDbReads += 1;
      const found: readonly Item[] = answered.Items ?? (answered.Item ? [answered.Item] : []);
      counts.dynamoDbReadUnits += readUnits(found, asked.ConsistentRead === true);
      return {};
    }
    const { pk, sk } = asked.Item ?? asked.Key;
    const key = JSON.stringify([pk, sk]);
    const before = items.get(key);
    const after: Item | undefined = asked.Item ?? answered.Attributes;
    counts.dynamoDbWrites += 1;
    // A failed condition costs as much as the write to the table, without indexes.
    const isWritten = status < 300;
    const place: string = pk.S.split('#')[0];
    const units: Record<string, number> = {
      ...(isWritten && indexWriteUnits(before, after)),
      [place]: isWritten ? tableWriteUnits(before, after) : tableWriteUnits(before, before),
    };
    counts.dynamoDbWriteUnits += Object.values(units).reduce((sum, one) => sum + one, 0);
    if (isWritten && after === undefined) items.delete(key);
    else if (isWritten && after !== undefined) items.set(key, after);
    return units;
  }

  function count(service: string, counts: Counts, exchange: Exchange): void {
    const { method, url, request, answer } = exchange;
    // Wiro downloads an input through a link, which takes none of the function's time.
    if (url.searchParams.has('X-Amz-Signature')) {
      counts.s3Gets += 1;
      counts.bytesToWiro += answer.length;
      return;
    }
    counts.bytesMoved += request.length + answer.length;
    switch (service) {
      case 'S3': {
        const isList =
          method === 'GET' && (url.searchParams.has('list-type') || url.searchParams.has('uploads'));
        if (method === 'PUT' || method === 'POST' || isList) counts.s3Puts += 1;
        else if (method !== 'DELETE') counts.s3Gets += 1;
        return;
      }
      case 'SSM':
        counts.ssmParameters += JSON.parse(answer.toString('utf8')).Parameters?.length ?? 0;
        return;
      case 'EVENTBRIDGE':
        counts.events += JSON.parse(request.toString('utf8')).Entries.length;
        return;
      case 'WIRO':
        counts.wiroCalls += 1;
        counts.bytesToWiro += request.length;
    }
  }

  async function start(
    name: FunctionName,
    service: string,
    target: string,
    rewrite?: (answer: string) => string,
  ) {
    const proxy = await startCountingProxy({
      target,
      onExchange: (exchange) => {
        const added = none();
        const writeUnits = service === 'DYNAMODB' ? countDynamoDb(added, exchange) : {};
        if (service !== 'DYNAMODB') count(service, added, exchange);
        add(all[name], added);
        onCall({ function: name, name: nameOf(service, exchange), added, writeUnits });
      },
      ...(service === 'DYNAMODB' && { change: askForItem }),
      ...(rewrite && { rewrite }),
    });
    started.push(proxy);
    return proxy.endpoint;
  }

  return {
    counts: () => structuredClone(all),
    endpointOverrides: async (name, environment) => {
      const changed: Record<string, string> = {};
      for (const service of ['DYNAMODB', 'S3', 'SSM', 'LAMBDA', 'EVENTBRIDGE'])
        changed[`AWS_ENDPOINT_URL_${service}`] = await start(
          name,
          service,
          environment[`AWS_ENDPOINT_URL_${service}`] ?? '',
        );
      const wiro = environment[ENV.wiroApiUrl];
      if (wiro === undefined) return changed;
      const { origin, pathname } = new URL(wiro);
      const cdn = await start(name, 'WIRO', origin);
      // Task records contain the simulator's own host. Rewrites it, so that outputs are fetched through the proxy.
      const rewrite = (answer: string) => answer.replaceAll(`${origin}/cdn/`, `${cdn}/cdn/`);
      changed[ENV.wiroApiUrl] = (await start(name, 'WIRO', origin, rewrite)) + pathname;
      if (environment[ENV.wiroOutputHosts] !== undefined) changed[ENV.wiroOutputHosts] = new URL(cdn).host;
      return changed;
    },
    stop: async () => {
      await Promise.all(started.map((proxy) => proxy.stop()));
    },
  };
}

function add(counts: Counts, added: Counts): void {
  for (const what of Object.keys(added) as (keyof Counts)[]) counts[what] += added[what];
}

/** Names a request by its operation and the kind of its item, without the parts of a key that differ every time. */
function nameOf(service: string, { method, url, target, request }: Exchange): string {
  if (service === 'S3') {
    const part = url.searchParams.has('partNumber') ? ' part' : '';
    return url.searchParams.has('X-Amz-Signature') ? 'S3 presigned' : `S3 ${method}${part}`;
  }
  if (service === 'WIRO')
    return url.pathname.startsWith('/cdn/')
      ? 'Wiro output'
      : `Wiro ${url.pathname.split('/').slice(2, 4).join('/')}`;
  if (service !== 'DYNAMODB') return service;
  const asked = JSON.parse(request.toString('utf8'));
  const { sk } = asked.Item ?? asked.Key ?? {};
  if (sk !== undefined) return `${target} ${sk.S.split('#')[0]}`;
  const prefix = Object.values<Attribute>(asked.ExpressionAttributeValues ?? {}).at(-1);
  return `${target} ${asked.IndexName ?? String(prefix?.S).split('#')[0]}`;
}

/** Makes an update return the new item, to know its size. The embedded DynamoDB does not check signatures. */
function askForItem(body: Buffer, target: string): Buffer {
  if (target !== 'UpdateItem') return body;
  return Buffer.from(JSON.stringify({ ...JSON.parse(body.toString('utf8')), ReturnValues: 'ALL_NEW' }));
}
