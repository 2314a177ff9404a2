import { LOCAL_ACCOUNT } from './lambda-types.ts';
import { CHECKSUM_ALGORITHMS, checksumHeader } from './s3-checksum.ts';
import { S3Error } from './s3-errors.ts';
import type { S3Request } from './s3-request.ts';

/** The query parameters and `x-amz-…` headers that an operation supports. A name that ends in `-` is a prefix. */
export interface Supported {
  readonly query?: readonly string[];
  readonly headers?: readonly string[];
}

/** Headers that every operation supports: those that sign a request, and those that change nothing here. */
const ALWAYS = [
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-expected-bucket-owner',
  'x-amz-request-payer',
  'x-amz-security-token',
  'x-amz-user-agent',
];

/** Headers of which only the listed values have their effect in the embedded S3. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'x-amz-acl': ['private', 'bucket-owner-full-control'],
  'x-amz-checksum-mode': ['ENABLED'],
  'x-amz-metadata-directive': ['COPY', 'REPLACE'],
  'x-amz-object-ownership': ['BucketOwnerEnforced'],
  'x-amz-optional-object-attributes': ['RestoreStatus'],
  'x-amz-request-payer': ['requester'],
  'x-amz-storage-class': ['STANDARD'],
  'x-amz-tagging-directive': ['COPY'],
};

/** Headers about a body and its checksum. */
const BODY = [
  ...CHECKSUM_ALGORITHMS.map(checksumHeader),
  'x-amz-decoded-content-length',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-trailer',
];
const STORED = ['x-amz-acl', 'x-amz-meta-', 'x-amz-storage-class'];
const SOURCE = ['x-amz-copy-source', 'x-amz-copy-source-if-', 'x-amz-source-expected-bucket-owner'];
const LIST = ['delimiter', 'encoding-type', 'max-keys', 'prefix'];

export const SUPPORTED = {
  ListBuckets: { query: ['bucket-region', 'continuation-token', 'max-buckets', 'prefix'] },
  CreateBucket: { headers: [...BODY, 'x-amz-acl', 'x-amz-object-ownership'] },
  DeleteBucket: {},
  HeadBucket: {},
  GetBucketLocation: { query: ['location'] },
  PutBucketCors: { query: ['cors'], headers: BODY },
  GetBucketCors: { query: ['cors'] },
  DeleteBucketCors: { query: ['cors'] },
  ListObjects: { query: [...LIST, 'marker'], headers: ['x-amz-optional-object-attributes'] },
  ListObjectsV2: {
    query: [...LIST, 'list-type', 'start-after', 'continuation-token', 'fetch-owner'],
    headers: ['x-amz-optional-object-attributes'],
  },
  DeleteObjects: { query: ['delete'], headers: BODY },
  PostObject: {},
  ListMultipartUploads: { query: ['uploads', 'prefix', 'key-marker', 'upload-id-marker', 'max-uploads'] },
  GetObject: { query: ['response-'], headers: ['x-amz-checksum-mode'] },
  GetObjectTagging: { query: ['tagging'] },
  PutObject: { headers: [...BODY, ...STORED] },
  CopyObject: {
    headers: [
      ...SOURCE,
      ...STORED,
      'x-amz-checksum-algorithm',
      'x-amz-metadata-directive',
      'x-amz-tagging-directive',
    ],
  },
  DeleteObject: {},
  CreateMultipartUpload: {
    query: ['uploads'],
    headers: [...STORED, 'x-amz-checksum-algorithm', 'x-amz-checksum-type'],
  },
  UploadPart: { query: ['uploadId', 'partNumber'], headers: BODY },
  UploadPartCopy: { query: ['uploadId', 'partNumber'], headers: [...SOURCE, 'x-amz-copy-source-range'] },
  CompleteMultipartUpload: {
    query: ['uploadId'],
    headers: [...BODY, 'x-amz-checksum-type', 'x-amz-mp-object-size'],
  },
  AbortMultipartUpload: { query: ['uploadId'] },
  ListParts: { query: ['uploadId', 'part-number-marker', 'max-parts'] },
} as const satisfies Record<string, Supported>;

export type OperationName = keyof typeof SUPPORTED;

/**
 * Refuses what the operation would ignore: other query parameters, other `x-amz-…` headers, and values of headers that
 * have no effect here. Always accepts `x-id`, the SDK's name of the operation.
 * @throws {S3Error} `NotImplemented`, or `AccessDenied` for a bucket that should belong to another account.
 */
export function requireSupported(operation: OperationName, request: S3Request): void {
  const { query = [], headers = [] }: Supported = SUPPORTED[operation];
  for (const name of request.query.keys())
    if (!/^(x-amz-|x-id$)/i.test(name) && !isListed(name, query))
      throw new S3Error(
        'NotImplemented',
        `The embedded S3 does not support the parameter "${name}" of ${operation}.`,
      );
  requireSupportedHeaders(operation, request, headers);
}

/** Like `requireSupported`, for the headers alone. */
export function requireSupportedHeaders(
  operation: OperationName,
  { header, headerNames }: Pick<S3Request, 'header' | 'headerNames'>,
  supported: readonly string[],
): void {
  for (const name of headerNames) {
    if (!name.startsWith('x-amz-')) continue;
    if (!isListed(name, ALWAYS) && !isListed(name, supported))
      throw new S3Error(
        'NotImplemented',
        `The embedded S3 does not support the header "${name}" of ${operation}.`,
      );
    const value = header(name) ?? '';
    if (VALUES[name] && !VALUES[name].includes(value))
      throw new S3Error(
        'NotImplemented',
        `The embedded S3 does not support the value "${value}" of the header "${name}".`,
      );
  }
  for (const name of ['x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner'])
    if ((header(name) ?? LOCAL_ACCOUNT) !== LOCAL_ACCOUNT)
      throw new S3Error('AccessDenied', `The bucket belongs to the account ${LOCAL_ACCOUNT}.`);
}

/** The headers of a form field or of a PUT that are stored with an object. */
export const FORM_FIELDS = [...CHECKSUM_ALGORITHMS.map(checksumHeader), ...STORED];

const isListed = (name: string, names: readonly string[]): boolean =>
  names.some((one) => name === one || (one.endsWith('-') && name.startsWith(one)));
