import { randomUUID } from 'node:crypto';
import { AwsError, requireMembers, startJsonEndpoint } from './aws-endpoint.ts';
import { LOCAL_ACCOUNT } from './lambda-types.ts';
import type { LocalService } from './local-service.ts';

/** An event as a rule's target receives it. */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface EventsOptions {
  readonly region: string;
  /** The names of the existing buses. */
  readonly buses: readonly string[];
  readonly onEvent: (event: BusEvent, bus: string) => void;
  /** @default - any free port */
  readonly port?: number;
}

type EntryResult =
  | { readonly EventId: string }
  | { readonly ErrorCode: string; readonly ErrorMessage: string };

const ENTRIES_LIMIT = 10;
const ENTRY_MEMBERS = ['Detail', 'DetailType', 'EventBusName', 'Resources', 'Source', 'Time'];
const SIZE_LIMIT_BYTES = 256 * 1024;

/** Serves EventBridge's `PutEvents`. The caller of this function implements rules in `onEvent`. */
export function startEvents({ region, buses, onEvent, port }: EventsOptions): Promise<LocalService> {
  return startJsonEndpoint(
    { prefix: 'AWSEvents', service: 'events', region, port },
    {
      PutEvents: {
        members: ['Entries'],
        run: ({ Entries }) => {
          const entries = requireEntries(Entries);
          const results = entries.map((entry): EntryResult => {
            const refusal = refusalOf(entry, buses);
            if (refusal) return refusal;
            const event = eventOf(entry, region);
            onEvent(event, busName(entry));
            return { EventId: event.id };
          });
          return {
            FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length,
            Entries: results,
          };
        },
      },
    },
  );
}

type Entry = Readonly<Record<string, unknown>>;

function requireEntries(entries: unknown): readonly Entry[] {
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > ENTRIES_LIMIT)
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and ${ENTRIES_LIMIT}`,
    );
  const sizeBytes = entries.reduce((sum: number, entry: Entry) => sum + sizeOf(entry), 0);
  if (sizeBytes >= SIZE_LIMIT_BYTES)
    throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
  for (const entry of entries as Entry[]) requireMembers(entry, ENTRY_MEMBERS, 'PutEvents');
  return entries as Entry[];
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
function sizeOf({ Time, Source, DetailType, Detail, Resources }: Entry): number {
  const texts = [Source, DetailType, Detail, ...(Array.isArray(Resources) ? Resources : [])];
  const bytes = texts.reduce<number>((sum, text) => sum + Buffer.byteLength(String(text ?? '')), 0);
  return bytes + (Time === undefined ? 0 : 14);
}

function refusalOf(entry: Entry, buses: readonly string[]): EntryResult | undefined {
  for (const name of ['Source', 'DetailType', 'Detail'])
    if (typeof entry[name] !== 'string' || entry[name] === '')
      return refuse(
        'InvalidArgument',
        `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
      );
  if (String(entry.Source).startsWith('aws.'))
    return refuse('NotAuthorizedForSourceException', 'Not authorized for the source.');
  if (!isObject(parse(entry.Detail))) return refuse('MalformedDetail', 'Detail is malformed.');
  const bus = busName(entry);
  if (!buses.includes(bus)) return refuse('ResourceNotFoundException', `Event bus ${bus} does not exist.`);
  return undefined;
}

function refuse(ErrorCode: string, ErrorMessage: string): EntryResult {
  return { ErrorCode, ErrorMessage };
}

/** `EventBusName` is a name or an ARN. */
function busName({ EventBusName }: Entry): string {
  return String(EventBusName ?? 'default').replace(/^arn:[^/]*\//, '');
}

function eventOf({ Source, DetailType, Detail, Resources, Time }: Entry, region: string): BusEvent {
  const time = typeof Time === 'number' ? new Date(Time * 1000) : new Date();
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': String(DetailType),
    source: String(Source),
    account: LOCAL_ACCOUNT,
    time: time.toISOString().replace(/\.\d+Z$/, 'Z'),
    region,
    resources: Array.isArray(Resources) ? Resources.map(String) : [],
    detail: parse(Detail) as Record<string, unknown>,
  };
}

function parse(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
