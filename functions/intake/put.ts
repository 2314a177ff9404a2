import type { S3EventRecord } from 'aws-lambda';
import { PREFIX } from '../objects/prefix.ts';
import type { FoundObject, InputStore } from '../objects/types.ts';
import { isIgnoredName } from '../request/preset.ts';

/** One put of an object, as its event describes it. */
export interface Put {
  readonly bucket: string;
  /** Possible keys. S3 sends keys URL-encoded, with `+` for a space. Some emulators send them as they are. */
  readonly keys: readonly string[];
  /** Identifies this put: its versionId, or else its ETag and sequencer. */
  readonly version: string;
  readonly versionId: string | undefined;
  readonly etag: string | undefined;
  readonly at: Date;
  /** Identifies its event. Every delivery has the same. */
  readonly event: string;
}

export function readPut(
  { s3, eventTime }: Pick<S3EventRecord, 's3'> & Partial<Pick<S3EventRecord, 'eventTime'>>,
  now: Date,
): Put {
  const { key, versionId, eTag, sequencer } = s3.object;
  const keys = spellings(key);
  const hasVersion = Boolean(versionId) && versionId !== 'null';
  const version = hasVersion && versionId ? versionId : JSON.stringify([eTag, sequencer]);
  const at = new Date(eventTime ?? Number.NaN);
  return {
    bucket: s3.bucket.name,
    keys,
    version,
    versionId: hasVersion ? versionId : undefined,
    etag: eTag,
    at: Number.isNaN(at.getTime()) ? now : at,
    event: eventOf(s3.bucket.name, keys[0] ?? key, version),
  };
}

export const eventOf = (bucket: string, key: string, version: string) =>
  JSON.stringify(['object', bucket, key, version]);

/** Finds the object, if it is still the one that this put wrote. */
export async function findCurrent(
  { inputs }: { readonly inputs: Pick<InputStore, 'head'> },
  put: Put,
): Promise<FoundObject | undefined> {
  for (const key of put.keys) {
    const found = await inputs.head({ bucket: put.bucket, key });
    if (found !== undefined && isFoundBy(put, found)) return found;
  }
  return undefined;
}

/** Whether another object has replaced it. */
export async function isReplaced(
  { inputs }: { readonly inputs: Pick<InputStore, 'head'> },
  put: Put,
): Promise<boolean> {
  const found = await Promise.all(put.keys.map((key) => inputs.head({ bucket: put.bucket, key })));
  return (
    found.some((one) => one !== undefined) && !found.some((one) => one !== undefined && isFoundBy(put, one))
  );
}

function isFoundBy({ versionId, etag }: Put, found: FoundObject): boolean {
  if (versionId !== undefined && found.versionId !== undefined) return found.versionId === versionId;
  return etag === undefined || unquoted(found.etag) === unquoted(etag);
}

/** Identifies the bytes of a put. Prefers the checksum: an ETag also depends on the parts and the encryption. */
export const contentOf = ({ bucket, key, sizeBytes, checksum, etag }: FoundObject): readonly unknown[] => [
  bucket,
  key,
  sizeBytes,
  checksum ?? etag,
];

export const timeOf = ({ version, at }: Put) => ({ put: version, at });

const unquoted = (etag: string) => etag.replaceAll('"', '');

const spellings = (key: string): readonly string[] => [
  ...new Set([decodeKey(key), key].filter((one) => one !== undefined)),
];

function decodeKey(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** Whether the object is the marker of a folder, or a file that operating systems and programs leave. */
export const isIgnored = ({ keys }: Put): boolean => keys.some(isIgnoredName);

/** The key, if the object lies under a prefix. */
export const keyUnder = ({ keys }: Put, prefix: keyof typeof PREFIX): string | undefined =>
  keys.find((key) => key.startsWith(PREFIX[prefix]));
