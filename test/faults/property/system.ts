import { createHash } from 'node:crypto';
import * as s3 from '@aws-sdk/client-s3';
import * as dynamodb from '../../../functions/aws/dynamodb.ts';
import type { Service } from '../../../functions/aws/endpoint.ts';
import * as signedPosts from '../../../functions/aws/signed-post.ts';
import { FUNCTIONS, type FunctionName } from '../../../functions/functions.ts';
import type { ObjectRef } from '../../../functions/objects/types.ts';
import { TABLE } from '../../../functions/store/table.ts';
import { createMemoryTable, type Item } from '../../store/memory-table.ts';
import { Cdn, createConnections } from './connections.ts';
import { Container, type Fate, type FunctionCode, type OutsideCall } from './containers.ts';
import { Objects } from './objects.ts';
import { type Kill, Player, type Script } from './script.ts';
import { VirtualTime } from './virtual-time.ts';
import { Wiro } from './wiro.ts';

export const INPUT_BUCKET = 'photos';
export const OUTPUT_BUCKET = 'results';
const PATH = '/wiro/shop';

/** One line of the log, with who wrote it and when. */
export interface Line {
  readonly at: number;
  readonly from: FunctionName;
  readonly level: string;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** An event on the bus. */
export interface Told {
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export type Ended<T = unknown> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'killed' };

const MINUTE = 60_000;
/** Seven days by default: in line, every minute is like the one before. */
export const MAXIMUM_WAIT_MS = 12 * 60 * MINUTE;
/** How long Lambda waits before it tries an asynchronous event again. */
const RETRIES = [60_000, 120_000];
const ENV = {
  DEPLOYMENT: 'shop',
  TABLE_NAME: 'memory',
  INPUT_BUCKET,
  OUTPUT_BUCKET,
  EVENT_BUS_NAME: 'bus',
  PARAMETER_PATH: PATH,
  SUBMIT_FUNCTION: 'submit',
  CALLBACK_FUNCTION: 'callback',
  PRESETS: JSON.stringify({ portraits: { model: 'wiro/flux', fileParameter: 'inputImage' } }),
  WIRO_API_URL: 'http://api.wiro.test/v1',
  WIRO_OUTPUT_HOSTS: 'wiro.test',
  DURATIONS: JSON.stringify({ maximumWait: MAXIMUM_WAIT_MS }),
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'secret',
};

/**
 * The whole deployment in one process and in virtual time: the real handlers, each in containers of its own, over a
 * table, buckets, a bus, a Lambda and a Wiro in memory, all of which do what the script says.
 */
export class System {
  readonly time = new VirtualTime();
  /** By partition and sort key. */
  readonly items = new WatchedItems((name, item, before) => {
    this.#writes += 1;
    this.onWrite(name, item, before);
  });
  readonly lines: Line[] = [];
  readonly told: Told[] = [];
  /** Events that Lambda has given up, as text. */
  readonly deadLetters: string[] = [];
  readonly objects: Objects;
  readonly wiro: Wiro;
  readonly cdn: Cdn;
  /** Called after each run of `reconcile`. */
  onMinute: () => Promise<void> = async () => undefined;
  /** Told of each write of an item. */
  onWrite: (name: string, item: Item, before: Item | undefined) => void = () => undefined;
  kills = 0;
  isHealed = false;
  readonly #script: Script;
  readonly #code: FunctionCode;
  readonly #containers: Record<FunctionName, Container[]> = {
    api: [],
    submit: [],
    callback: [],
    reconcile: [],
  };
  readonly #bus: Player<Script['bus']['ever'][number]>;
  readonly #parameters: Player<Script['parameters']['ever'][number]>;
  readonly #kills: Readonly<Record<'submit' | 'callback' | 'others', Player<Kill>>>;
  readonly #tableAnswers: Script['table'][number][];
  readonly #invokeAnswers: Script['invoke'][number][];
  #observer: Container | undefined;
  #invocations = 0;
  #under = 0;
  #writes = 0;
  #lastReconcile = { writes: -1, at: 0, wasIdle: false };

  constructor(script: Script, code: FunctionCode) {
    this.#script = script;
    this.#code = code;
    this.objects = new Objects(this.time, script);
    this.cdn = new Cdn(script);
    this.wiro = new Wiro({ time: this.time, script, callBack: (url, body) => this.#callBack(url, body, 0) });
    this.#bus = new Player(script.bus);
    this.#parameters = new Player(script.parameters);
    const none: Kill = { kind: 'none' };
    this.#kills = {
      submit: new Player(script.kills.submit),
      callback: new Player(script.kills.callback),
      others: new Player({ first: script.kills.others, ever: [none] }),
    };
    this.#tableAnswers = [...script.table];
    this.#invokeAnswers = [...script.invoke];
  }

  /** From now on everything outside is right, and nobody is killed. */
  heal(): void {
    this.isHealed = true;
    this.wiro.isHealed = true;
    this.cdn.isHealed = true;
    this.objects.isHealed = true;
  }

  // --- time -----------------------------------------------------------------------------------------------------

  /**
   * Lets time pass until `isOver`, nothing is left to be done, or `until`; `reconcile` runs every minute in which it
   * could find anything to do.
   */
  async run(until: number, isOver: () => boolean = () => false): Promise<void> {
    for (;;) {
      if (isOver()) return;
      const next = this.time.next() ?? Number.POSITIVE_INFINITY;
      const minute = (Math.floor(this.time.now / MINUTE) + 1) * MINUTE;
      const reconcileAt = Math.max(minute, Math.ceil(this.#dueAt(minute) / MINUTE) * MINUTE);
      const moment = Math.min(next, reconcileAt);
      if (moment > until || moment === Number.POSITIVE_INFINITY) return;
      if (next <= reconcileAt) {
        await this.time.keepNext();
        continue;
      }
      this.time.passTo(reconcileAt);
      await this.#reconcile();
    }
  }

  /** Until nothing is under way but waiting. */
  async settle(): Promise<void> {
    const until = this.time.now + 16 * MINUTE;
    while (this.#under > 0 && (this.time.next() ?? until) < until) await this.time.keepNext();
  }

  async #reconcile(): Promise<void> {
    const writes = this.#writes;
    const begun = this.time.now;
    void this.invoke('reconcile', {}).then(() => {
      this.#lastReconcile = { writes: this.#writes, at: begun, wasIdle: this.#writes === writes };
    });
    await this.time.rest();
    await this.onMinute();
  }

  /** When `reconcile` has something to do: due items, or a gate to tend. */
  #dueAt(minute: number): number {
    let dueAt = Number.POSITIVE_INFINITY;
    for (const item of this.items.values())
      if (TABLE.indexes.due.partitionKey in item) dueAt = Math.min(dueAt, Date.parse(String(item.dueAt)));
    const gate = this.items.get('gate gate') ?? {};
    const isInUse =
      gate.slots !== undefined || gate.unanswered !== undefined || gate.waitingSince !== undefined;
    if (!isInUse || dueAt <= minute) return dueAt;
    const { writes, at, wasIdle } = this.#lastReconcile;
    // Where the last one changed nothing and nobody else did, the next would not either; but clocks pass.
    return wasIdle && writes === this.#writes ? Math.min(dueAt, at + 10 * MINUTE) : minute;
  }

  // --- Lambda ---------------------------------------------------------------------------------------------------

  /** Runs a function once. */
  async invoke(name: FunctionName, event: unknown): Promise<Ended> {
    const container = this.#containers[name].pop() ?? this.#start(name);
    const endsAt = this.time.now + FUNCTIONS[name].timeoutSeconds * 1_000;
    container.fate = this.#fateOf(name);
    this.#invocations += 1;
    this.#under += 1;
    const context = {
      awsRequestId: `request-${this.#invocations}`,
      getRemainingTimeInMillis: () => endsAt - this.time.now,
    };
    const timeOut = this.time.after(endsAt - this.time.now, () => {
      this.kills += 1;
      container.kill();
    });
    const ended = await new Promise<Ended>((resolve) => {
      container.onKilled = () => resolve({ kind: 'killed' });
      container.handler(structuredClone(event), context).then(
        (value) => resolve({ kind: 'answered', value }),
        (error: unknown) => resolve({ kind: 'threw', error }),
      );
    });
    timeOut.cancel();
    if (ended.kind === 'threw')
      this.lines.push({
        at: this.time.now,
        from: name,
        level: 'THROWN',
        message: String(ended.error),
        facts: {},
      });
    this.#under -= 1;
    this.time.stir();
    if (!container.isDead) this.#containers[name].push(container);
    return ended;
  }

  /** As Lambda does with an event that nobody waits for: up to three times. */
  async invokeLater(name: FunctionName, event: unknown, tries = 0): Promise<void> {
    const ended = await this.invoke(name, event);
    if (ended.kind === 'answered') return;
    const wait = RETRIES[tries];
    // An alarm tells of each.
    if (wait === undefined) return void this.deadLetters.push(JSON.stringify(event));
    this.time.after(wait, () => void this.invokeLater(name, event, tries + 1));
  }

  #start(name: FunctionName, { isObserver = false } = {}): Container {
    const table = createMemoryTable(undefined, this.items);
    return new Container({
      name,
      code: this.#code[name],
      time: this.time,
      env: {
        ...ENV,
        INPUT_HANDOVER: this.#script.handover,
        // Half of the scripts run with the setting that earlier releases cannot read.
        DUE_SHARDS: this.#script.seed % 2 === 0 ? '8' : '1',
        MAXIMUM_COLLECTS: this.#script.maximumCollects?.toString() ?? '',
        AWS_LAMBDA_FUNCTION_NAME: name,
      },
      seed: this.#script.seed + this.#invocations,
      onLine: (line) => this.#log(line, name),
      replace: (container) => ({
        ...createConnections(container, this),
        dynamodb: Object.create(dynamodb, {
          DynamoDBClient: { value: isObserver ? clientOf(table) : this.#tableClient(container, table) },
        }),
        '@aws-sdk/client-s3': Object.create(s3, {
          S3Client: { value: this.objects.createClientClass(container) },
        }),
        'signed-post': Object.create(signedPosts, { signedPost: { value: this.#signedPost(container) } }),
        'ask-s3': { createAskS3: () => this.objects.createAskS3(container) },
        'head-object': { headObject: (ref: ObjectRef) => this.objects.head(container, ref) },
        'node:timers/promises': {
          setTimeout: async (milliseconds: number, value: unknown, options?: { signal?: AbortSignal }) => {
            const { signal } = options ?? {};
            const waited = container.wait(milliseconds);
            await (signal === undefined
              ? waited
              : Promise.race([
                  waited,
                  new Promise((_, reject) => {
                    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
                    if (signal.aborted) reject(signal.reason);
                  }),
                ]));
            return value;
          },
        },
      }),
    });
  }

  #fateOf(name: FunctionName): Fate {
    if (this.isHealed) return () => undefined;
    const course = name === 'submit' || name === 'callback' ? this.#kills[name] : this.#kills.others;
    const kill = course.next();
    let calls = 0;
    return ({ service, operation, subject }: OutsideCall) => {
      calls += 1;
      if (this.isHealed || kill.kind === 'none') return undefined;
      const strikes =
        kill.kind === 'nth'
          ? calls === kill.call
          : `${service}.${operation}` === kill.operation && !/^(requests|rejected)\//.test(subject ?? '');
      if (!strikes) return undefined;
      this.kills += 1;
      return kill.isDelivered ? 'after' : 'before';
    };
  }

  #log(line: string, from: FunctionName): void {
    const {
      level,
      message,
      timestamp: _,
      requestId: __,
      ...facts
    } = JSON.parse(line) as Record<string, unknown>;
    this.lines.push({ at: this.time.now, from, level: String(level), message: String(message), facts });
  }

  // --- what is outside ------------------------------------------------------------------------------------------

  #tableClient(container: Container, { client }: ReturnType<typeof createMemoryTable>) {
    const nextAnswer = () => (this.isHealed ? 'right' : (this.#tableAnswers.shift() ?? 'right'));
    return class {
      send(command: dynamodb.Command<object, unknown>): Promise<unknown> {
        const operation = command.operation;
        return container.outside({ service: 'dynamodb', operation }, async () => {
          const answer = nextAnswer();
          if (answer === 'throttled') throw refusalNamed('ProvisionedThroughputExceededException');
          const result = await client.send(command);
          if (answer === 'unanswered') throw refusalNamed('TimeoutError');
          return result;
        });
      }
    };
  }

  #signedPost(container: Container) {
    return async ({ name }: Service, { path, body }: signedPosts.SignedPost) => {
      const call = {
        service: name as 'ssm' | 'events' | 'lambda',
        operation: 'POST',
        latencyMs: 10,
      } as const;
      const answer = await container.outside(call, () => this.#awsAnswer(name, path, body));
      return { ...answer, headers: {}, isClockCorrected: false };
    };
  }

  #awsAnswer(service: string, path: string, body: string): { statusCode: number; text: string } {
    const refused = (statusCode: number, name: string) => ({
      statusCode,
      text: JSON.stringify({ __type: name }),
    });
    const given = JSON.parse(body) as Record<string, unknown>;
    switch (service) {
      case 'ssm': {
        const answer = this.isHealed ? 'right' : this.#parameters.next();
        if (answer === 'throttled') return refused(400, 'ThrottlingException');
        const names = answer === 'missing' ? [] : (given.Names as string[]);
        const found = names.flatMap((Name) => {
          const Value = PARAMETERS[Name.slice(PATH.length + 1)];
          return Value === undefined ? [] : [{ Name, Value }];
        });
        return { statusCode: 200, text: JSON.stringify({ Parameters: found }) };
      }
      case 'events': {
        const answer = this.isHealed ? 'right' : this.#bus.next();
        if (answer === 'unreachable')
          throw Object.assign(new Error('ECONNREFUSED'), { code: 'ECONNREFUSED' });
        if (answer === 'throttled') return refused(400, 'ThrottlingException');
        if (answer === 'refused')
          return { statusCode: 200, text: '{"FailedEntryCount": 1, "Entries": [{}]}' };
        for (const { DetailType, Detail } of given.Entries as { DetailType: string; Detail: string }[])
          this.told.push({ detailType: DetailType, detail: JSON.parse(Detail) as Told['detail'] });
        return { statusCode: 200, text: '{"FailedEntryCount": 0, "Entries": []}' };
      }
      default: {
        const answer = this.isHealed ? 'right' : (this.#invokeAnswers.shift() ?? 'right');
        if (answer === 'refused') return refused(429, 'TooManyRequestsException');
        const name = path.split('/')[3] as FunctionName;
        if (answer === 'right') this.time.after(20, () => void this.invokeLater(name, given));
        return { statusCode: 202, text: '' };
      }
    }
  }

  /** Wiro tries a callback up to three times, two seconds apart. */
  #callBack(url: string, body: string, tries: number): void {
    const rawPath = new URL(url).pathname;
    const event = { rawPath, requestContext: { http: { method: 'POST', path: rawPath } }, body };
    void this.invoke('callback', event).then((ended) => {
      const isTaken =
        ended.kind === 'answered' && (ended.value as { statusCode?: number })?.statusCode === 200;
      if (!isTaken && tries < 2) this.time.after(2_000, () => this.#callBack(url, body, tries + 1));
    });
  }

  /** One request to the API, as its owner makes it. */
  async request(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ statusCode: number; body: Answer } | undefined> {
    const event = {
      rawPath: path,
      requestContext: { http: { method, path } },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const ended = await this.invoke('api', event);
    if (ended.kind !== 'answered') return undefined;
    const { statusCode, body: text } = ended.value as { statusCode: number; body: string };
    return { statusCode, body: JSON.parse(text) as Answer };
  }

  /** A record as its owner would see it at this moment; looking takes no time, and meets no fault. */
  async observe(id: string): Promise<Answer | undefined> {
    this.#observer ??= this.#start('api', { isObserver: true });
    const path = `/generations/${id}`;
    const event = { rawPath: path, requestContext: { http: { method: 'GET', path } } };
    const context = { awsRequestId: 'observer', getRemainingTimeInMillis: () => 29_000 };
    const { statusCode, body } = (await this.#observer.handler(event, context)) as {
      statusCode: number;
      body: string;
    };
    return statusCode === 200 ? (JSON.parse(body) as Answer) : undefined;
  }

  /** Puts an object into the input bucket, and has its event come. */
  putInput(key: string, body: string | Uint8Array, contentType: string): void {
    const { etag, bytes } = this.objects.put(INPUT_BUCKET, key, body, contentType);
    if (!/^(requests\/.*\.json|uploads\/.*)$/.test(key)) return;
    const now = new Date(this.time.now).toISOString();
    const record = {
      eventName: 'ObjectCreated:Put',
      eventTime: now,
      s3: {
        bucket: { name: INPUT_BUCKET },
        object: { key, size: bytes.length, eTag: etag.replaceAll('"', ''), sequencer: hashOf(key + now) },
      },
    };
    this.time.after(500, () => void this.invokeLater('submit', { Records: [record] }));
  }

  putEvent(id: string, detail: unknown): void {
    const event = {
      id,
      'detail-type': 'Generation Requested',
      source: 'shop',
      time: new Date(this.time.now).toISOString(),
      detail,
    };
    this.time.after(500, () => void this.invokeLater('submit', event));
  }
}

/** Without any fault, and at once. */
function clientOf({ client }: ReturnType<typeof createMemoryTable>) {
  return class {
    readonly send = (command: dynamodb.Command<object, unknown>) => client.send(command);
  };
}

class WatchedItems extends Map<string, Item> {
  readonly #onWrite: (name: string, item: Item, before: Item | undefined) => void;

  constructor(onWrite: (name: string, item: Item, before: Item | undefined) => void) {
    super();
    this.#onWrite = onWrite;
  }

  override set(name: string, item: Item): this {
    const before = this.get(name);
    super.set(name, item);
    this.#onWrite(name, item, before);
    return this;
  }
}

export type Answer = Readonly<Record<string, unknown>>;

const PARAMETERS: Readonly<Record<string, string>> = {
  'api-key': 'key',
  'api-secret': 'secret',
  'callback-secret': 'callback-secret',
  'callback-base-url': 'https://callback.test',
  'callback-function': 'callback',
};

const refusalNamed = (name: string) => Object.assign(new Error('As the script says'), { name });

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);
