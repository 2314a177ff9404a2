import { RequestError } from '../generation/errors.ts';
import { type InputPrefixes, isUnder } from './input-prefixes.ts';

/** Where an input comes from, parsed from the one string that a request gives. */
export type Source =
  | { readonly kind: 'object'; readonly bucket: string; readonly key: string }
  /** Passed on to Wiro, which fetches it. */
  | { readonly kind: 'url'; readonly url: string };

export interface SourceRules {
  readonly inputBucket: string;
  /** Further buckets that the deployment was given. */
  readonly furtherBuckets: readonly string[];
  /** Where requests may name objects. @default - anywhere in these buckets */
  readonly prefixes?: InputPrefixes;
  /** The key of the file in the input bucket that makes the request: it may lie outside the prefixes. */
  readonly dropped?: string;
  /** Where names of buckets are not known yet: every one may be ours. */
  readonly anyBucket?: true;
}

const SCHEME = /^([a-z][a-z0-9+.-]*):/i;
const LONGEST = 4_096;
const PRESIGNED = /[?&](?:X-(?:Amz|Goog)-|(?:Signature|sig)=)/i;

/**
 * Reads `s3://bucket/key`, a bare key in the input bucket, or an `https://` URL.
 * @throws {RequestError} `input_not_allowed` for a bucket that is not ours or a key that is not to be named,
 *   `invalid_parameter` otherwise.
 */
export function parseSource(text: string, field: string, rules: SourceRules): Source {
  const { inputBucket, furtherBuckets, anyBucket } = rules;
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
    return parseObject(bucket, key, field, rules);
  }
  // Keys may hold colons ("16:9.png"); only what looks like a URL is taken for one.
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^(data|file|javascript|blob|mailto):/i.test(text)) {
    return parseUrl(text, field);
  }
  return parseObject(inputBucket, text, field, rules);
}

function parseObject(
  bucket: string,
  key: string,
  field: string,
  { inputBucket, prefixes, dropped }: SourceRules,
): Source {
  if (Buffer.byteLength(key) > 1_024) {
    throw new RequestError('invalid_parameter', `${field} must be a key of at most 1,024 bytes.`, field);
  }
  const allowed = prefixes?.get(bucket);
  const isDropped = bucket === inputBucket && key === dropped;
  if (allowed !== undefined && !isDropped && !isUnder(key, allowed)) {
    throw new RequestError(
      'input_not_allowed',
      `${field} names a key in "${bucket}" that requests to this deployment may not name: put the object under ${allowed.join(' or ')}, with no "." or ".." between slashes.`,
      field,
    );
  }
  return { kind: 'object', bucket, key };
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
