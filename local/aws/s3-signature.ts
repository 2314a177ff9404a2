import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { LOCAL_CREDENTIALS } from './credentials.ts';
import { S3Error } from './s3-errors.ts';
import type { S3Request } from './s3-request.ts';

const ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_SKEW_MS = 15 * 60_000;
const MAX_EXPIRES_SECONDS = 7 * 24 * 3600;

interface Signature {
  readonly scope: string;
  readonly accessKeyId: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** In the request's format: `20260131T120000Z`. */
  readonly date: string;
  readonly payloadHash: string;
}

/**
 * Verifies a request's signature, in its headers or as a presigned URL. Accepts any region and does not verify the
 * signatures of chunks in a streamed body.
 * @throws {S3Error} If the signature is missing, wrong or expired.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function verifySignature(
  request: S3Request,
  { accessKeyId, secretAccessKey }: typeof LOCAL_CREDENTIALS,
  now: Date,
): void {
  const isPresigned = request.query.has('X-Amz-Signature');
  const signature = isPresigned ? readPresigned(request, now) : readHeader(request, now);
  if (signature.accessKeyId !== accessKeyId) throw new S3Error('InvalidAccessKeyId');
  for (const name of Object.keys(request.incoming.headers))
    if ((name === 'host' || name.startsWith('x-amz-')) && !signature.signedHeaders.includes(name))
      throw new S3Error(
        'AccessDenied',
        `There were headers present in the request which were not signed: ${name}`,
      );
  if (!isSame(sign(request, signature, secretAccessKey), signature.signature))
    throw new S3Error('SignatureDoesNotMatch');
}

function readPresigned({ query }: S3Request, now: Date): Signature {
  const expiresSeconds = Number(query.get('X-Amz-Expires') ?? Number.NaN);
  if (query.get('X-Amz-Algorithm') !== ALGORITHM)
    throw new S3Error('AuthorizationQueryParametersError', `X-Amz-Algorithm only supports "${ALGORITHM}"`);
  if (!(expiresSeconds >= 0 && expiresSeconds <= MAX_EXPIRES_SECONDS))
    throw new S3Error('AuthorizationQueryParametersError', 'X-Amz-Expires must be 0 to 604800 seconds');
  const date = query.get('X-Amz-Date') ?? '';
  const signedAt = parseDate(date);
  if (signedAt === undefined)
    throw new S3Error('AuthorizationQueryParametersError', 'X-Amz-Date is not a date');
  if (signedAt > now.getTime() + MAX_SKEW_MS) throw new S3Error('AccessDenied', 'Request is not yet valid');
  if (signedAt + expiresSeconds * 1000 < now.getTime())
    throw new S3Error('AccessDenied', 'Request has expired');
  return {
    ...parseCredential(query.get('X-Amz-Credential') ?? '', 'AuthorizationQueryParametersError'),
    signedHeaders: (query.get('X-Amz-SignedHeaders') ?? '').split(';'),
    signature: query.get('X-Amz-Signature') ?? '',
    date,
    payloadHash: query.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD',
  };
}

function readHeader({ header }: S3Request, now: Date): Signature {
  const authorization = header('authorization');
  if (authorization === undefined) throw new S3Error('AccessDenied');
  if (!authorization.startsWith(`${ALGORITHM} `))
    throw new S3Error('InvalidRequest', `Please use ${ALGORITHM}; no other signature is supported.`);
  const field = (name: string) => new RegExp(`[ ,]${name}=([^, ]+)`).exec(authorization)?.[1] ?? '';
  const date = header('x-amz-date') ?? '';
  const signedAt = parseDate(date);
  if (signedAt === undefined)
    throw new S3Error('AccessDenied', 'AWS authentication requires a valid x-amz-date header');
  if (Math.abs(signedAt - now.getTime()) > MAX_SKEW_MS) throw new S3Error('RequestTimeTooSkewed');
  const payloadHash = header('x-amz-content-sha256');
  if (payloadHash === undefined)
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  return {
    ...parseCredential(field('Credential'), 'AuthorizationHeaderMalformed'),
    signedHeaders: field('SignedHeaders').split(';'),
    signature: field('Signature'),
    date,
    payloadHash,
  };
}

function parseCredential(
  credential: string,
  code: 'AuthorizationHeaderMalformed' | 'AuthorizationQueryParametersError' | 'InvalidRequest',
): Pick<Signature, 'accessKeyId' | 'scope'> {
  const [, accessKeyId, scope] = /^(.+?)\/(\d{8}\/[\w-]+\/s3\/aws4_request)$/.exec(credential) ?? [];
  if (accessKeyId === undefined || scope === undefined)
    throw new S3Error(code, 'The credential must be KEY-ID/YYYYMMDD/REGION/s3/aws4_request');
  return { accessKeyId, scope };
}

function parseDate(text: string): number | undefined {
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const time = iso === text ? Number.NaN : Date.parse(iso);
  return Number.isNaN(time) ? undefined : time;
}

function sign(request: S3Request, { scope, signedHeaders, date, payloadHash }: Signature, secret: string) {
  const canonicalRequest = [
    request.method,
    request.path.split('/').map(encode).join('/'),
    canonicalQuery(request.query),
    ...signedHeaders.map((name) => `${name}:${(rawHeader(request, name) ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
  const toSign = [ALGORITHM, date, scope, createHash('sha256').update(canonicalRequest).digest('hex')];
  return hmac(signingKey(scope, secret), toSign.join('\n')).toString('hex');
}

const signingKey = (scope: string, secret: string): string | Buffer =>
  scope.split('/').reduce<string | Buffer>((parent, part) => hmac(parent, part), `AWS4${secret}`);

/**
 * Verifies the signature of a form's policy.
 * @throws {S3Error} If it is missing or wrong.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-UsingHTTPPOST.html
 */
export function verifyPolicySignature(
  field: (name: string) => string | undefined,
  { accessKeyId, secretAccessKey }: typeof LOCAL_CREDENTIALS,
): void {
  const policy = field('policy');
  const signature = field('x-amz-signature');
  // Clients that still sign with version 2 send `AWSAccessKeyId`. S3 refuses them for every new bucket.
  const isOlder = field('awsaccesskeyid') !== undefined;
  if (!isOlder && (policy === undefined || signature === undefined)) throw new S3Error('AccessDenied');
  if (policy === undefined || signature === undefined || field('x-amz-algorithm') !== ALGORITHM)
    throw new S3Error('InvalidRequest', `Please use ${ALGORITHM}; no other signature is supported.`);
  const credential = parseCredential(field('x-amz-credential') ?? '', 'InvalidRequest');
  if (credential.accessKeyId !== accessKeyId) throw new S3Error('InvalidAccessKeyId');
  const expected = hmac(signingKey(credential.scope, secretAccessKey), policy).toString('hex');
  if (!isSame(expected, signature)) throw new S3Error('SignatureDoesNotMatch');
}

function isSame(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function rawHeader({ incoming }: S3Request, name: string): string | undefined {
  const value = incoming.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

function canonicalQuery(query: URLSearchParams): string {
  return [...query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]): [string, string] => [encode(name), encode(value)])
    .sort(([a, av], [b, bv]) => (a === b ? compare(av, bv) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
