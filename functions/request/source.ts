import { RequestError } from '../generation/errors.ts';
import { type InputPrefixes, isUnder } from './input-prefixes.ts';

/** The source of an input, parsed from the string in a request. */
export type Source =
  | { readonly kind: 'object'; readonly bucket: string; readonly key: string }
  /** Forwarded to Wiro, which fetches it. */
  | { readonly kind: 'url'; readonly url: string };

export interface SourceRules {
  readonly inputBucket: string;
  /** Other buckets that the deployment may read. */
  readonly furtherBuckets: readonly string[];
  /** Allowed prefixes of keys. @default - all keys in these buckets */
  readonly prefixes?: InputPrefixes;
  /** The key of a dropped file that is itself the input. It may be outside the prefixes. */
  readonly dropped?: string;
  /** Accepts every bucket, while the names of the deployment's buckets are not resolved yet. */
  readonly anyBucket?: true;
}

const SCHEME = /^([a-z][a-z0-9+.-]*):/i;
const LONGEST = 4_096;
const PRESIGNED = /[?&](?:X-(?:Amz|Goog)-|(?:Signature|sig)=)/i;

/**
 * Reads `s3://bucket/key`, a bare key in the input bucket, or an `https://` URL.
 * @throws {RequestError} `input_not_allowed` for a bucket or key outside the rules, otherwise `invalid_parameter`.
 */
export function parseSource(text: string, field: string, rules: SourceRules): Source {
  const { inputBucket, furtherBuckets, anyBucket } = rules;
  if (text === '' || text.length > LONGEST) {
    throw new RequestError('invalid_parameter', `${field} must have 1 to ${LONGEST} characters.`, field);
  }
  // As a key it would be quoted, with its signature, in the message that the object does not exist.
  if (PRESIGNED.test(text) && !/^https?:/i.test(text)) {
    throw new RequestError(
      'invalid_parameter',
      `${field} contains a presigned query but is not an https:// URL: use the full URL, or the key alone.`,
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
  // A key may contain a colon ("16:9.png"), so only a text that looks like a URL is parsed as one.
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
      `${field} names a key in "${bucket}" outside the prefixes that this deployment allows: put the object under ${allowed.join(' or ')}, with no "." or ".." between slashes.`,
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
      `${field} must be an https:// URL, s3://bucket/key, or a key in the input bucket. "${scheme}:" is not supported.`,
      field,
    );
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === '') {
    throw new RequestError('invalid_parameter', `${field} is not a valid URL.`, field);
  }
  if (url.username !== '' || url.password !== '') {
    throw new RequestError('invalid_parameter', `${field} must not contain a user name or password.`, field);
  }
  return { kind: 'url', url: url.href };
}
