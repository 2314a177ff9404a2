import { RequestError } from './errors.ts';

/** Where an input comes from, parsed from the one string that a request gives. */
export type Source =
  | { readonly kind: 'object'; readonly bucket: string; readonly key: string }
  /** Passed on to Wiro, which fetches it. */
  | { readonly kind: 'url'; readonly url: string };

export interface SourceRules {
  readonly inputBucket: string;
  /** Further buckets that the deployment was given. */
  readonly furtherBuckets: readonly string[];
  /** Where names of buckets are not known yet: every one may be ours. */
  readonly anyBucket?: true;
}

const SCHEME = /^([a-z][a-z0-9+.-]*):/i;
const LONGEST = 4_096;
const PRESIGNED = /[?&]X-Amz-/i;

/**
 * Reads `s3://bucket/key`, a bare key in the input bucket, or an `https://` URL.
 * @throws {RequestError} `input_not_allowed` for a bucket that is not ours, `invalid_parameter` otherwise.
 */
export function parseSource(
  text: string,
  field: string,
  { inputBucket, furtherBuckets, anyBucket }: SourceRules,
): Source {
  if (text === '' || text.length > LONGEST) {
    throw new RequestError('invalid_parameter', `${field} must have 1 to ${LONGEST} characters.`, field);
  }
  // Its signature would be quoted wherever we say that there is no such object.
  if (PRESIGNED.test(text) && !/^https?:/i.test(text)) {
    throw new RequestError(
      'invalid_parameter',
      `${field} is a presigned link, but not its https:// URL: give that, or the key alone.`,
      field,
    );
  }
  if (text.startsWith('s3://')) {
    const [, bucket = '', key = ''] = /^s3:\/\/([^/]*)\/?(.*)$/su.exec(text) ?? [];
    if (bucket === '' || key === '') {
      throw new RequestError(
        'invalid_parameter',
        `${field} must name a bucket and a key: s3://bucket/key.`,
        field,
      );
    }
    if (!anyBucket && bucket !== inputBucket && !furtherBuckets.includes(bucket)) {
      throw new RequestError(
        'input_not_allowed',
        `${field} names the bucket "${bucket}", which this deployment may not read: put the object into "${inputBucket}".`,
        field,
      );
    }
    return { kind: 'object', bucket, key: parseKey(key, field) };
  }
  // Keys may hold colons ("16:9.png"); only what looks like a URL is taken for one.
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^(data|file|javascript|blob|mailto):/i.test(text)) {
    return parseUrl(text, field);
  }
  return { kind: 'object', bucket: inputBucket, key: parseKey(text, field) };
}

function parseKey(key: string, field: string): string {
  if (Buffer.byteLength(key) > 1_024) {
    throw new RequestError('invalid_parameter', `${field} must be a key of at most 1,024 bytes.`, field);
  }
  return key;
}

function parseUrl(text: string, field: string): Source {
  if (!text.toLowerCase().startsWith('https://')) {
    const scheme = SCHEME.exec(text)?.[1]?.toLowerCase() ?? '';
    throw new RequestError(
      'invalid_parameter',
      `${field} must be an https:// URL, s3://bucket/key, or a key in the input bucket; "${scheme}:" is none of these.`,
      field,
    );
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === '') {
    throw new RequestError('invalid_parameter', `${field} is not a URL that can be read.`, field);
  }
  if (url.username !== '' || url.password !== '') {
    throw new RequestError('invalid_parameter', `${field} must not carry a user name or password.`, field);
  }
  return { kind: 'url', url: url.href };
}
