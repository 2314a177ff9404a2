import type { FunctionName } from '../../functions/functions.ts';

/** What a right is given on. Places with one name in several buckets (`inputs`) stand for all of them. */
export type Place =
  | 'table'
  | 'dueIndex'
  | 'waitingIndex'
  /** Our own, where answers to request files lie too. */
  | 'inputBucket'
  /** The buckets that inputs come from, our own among them, and the objects in them. */
  | 'inputBuckets'
  | 'inputs'
  /** Request files and dropped files, where requests may not name them. */
  | 'received'
  /** Answers to request files, in the input bucket. */
  | 'results'
  | 'rejected'
  | 'outputBucket'
  | 'outputs'
  /** What lies beside the outputs of dropped files. */
  | 'folderResults'
  /** Requests that the table has no room for, in the output bucket. */
  | 'largeRequests'
  | 'eventBus'
  | 'parameters'
  /** Without the callback secrets. */
  | 'apiParameters'
  /** The credentials, where a deployment keeps them in Secrets Manager. */
  | 'secret';

export interface Right {
  readonly actions: readonly string[];
  readonly on: Place;
}

// With the right to list, a missing object is a 404; without it 403, as if it were forbidden.
const LIST = ['s3:ListBucket'];
// An end is added to what the file holds already.
const ADD_TO = ['s3:GetObject', 's3:PutObject'];
// The generation itself, its outputs, the gate, the count of a day.
const CHANGE_ITEMS = ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:Query'];
// Parameter Store decrypts with the key `aws/ssm`, whose own policy admits who may read the parameter: no right
// on the key is needed. (A customer managed key would need kms:Decrypt.)
const READ_PARAMETERS = ['ssm:GetParameters'];
const READ_SECRET = ['secretsmanager:GetSecretValue'];

/** What each function may do, and nothing else: a new call to AWS needs its line here. */
export const GRANTS: Readonly<Record<FunctionName, readonly Right[]>> = {
  api: [
    { actions: CHANGE_ITEMS, on: 'table' },
    // How many wait before one in line.
    { actions: ['dynamodb:Query'], on: 'waitingIndex' },
    { actions: ['s3:GetObject'], on: 'inputs' },
    { actions: LIST, on: 'inputBuckets' },
    { actions: ['s3:GetObject', 's3:PutObject'], on: 'largeRequests' },
    // The links to outputs that it signs carry its own rights.
    { actions: ['s3:GetObject'], on: 'outputs' },
    { actions: READ_PARAMETERS, on: 'apiParameters' },
    { actions: READ_SECRET, on: 'secret' },
  ],
  submit: [
    { actions: [...CHANGE_ITEMS, 'dynamodb:DeleteItem'], on: 'table' },
    { actions: ['dynamodb:Query'], on: 'waitingIndex' },
    { actions: ['s3:GetObject', 's3:GetObjectVersion'], on: 'inputs' },
    { actions: ['s3:GetObject', 's3:GetObjectVersion'], on: 'received' },
    { actions: LIST, on: 'inputBuckets' },
    { actions: ['s3:GetObject', 's3:PutObject'], on: 'largeRequests' },
    { actions: ADD_TO, on: 'results' },
    // One of an earlier put goes once a corrected file is accepted; whose it is, it says itself.
    { actions: [...ADD_TO, 's3:DeleteObject'], on: 'rejected' },
    { actions: ['s3:PutObject'], on: 'folderResults' },
    { actions: ['events:PutEvents'], on: 'eventBus' },
    { actions: READ_PARAMETERS, on: 'parameters' },
    { actions: READ_SECRET, on: 'secret' },
  ],
  callback: [
    { actions: CHANGE_ITEMS, on: 'table' },
    // What stands at an output's place already is compared, and not replaced.
    { actions: ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'], on: 'outputs' },
    { actions: [...LIST, 's3:ListBucketMultipartUploads'], on: 'outputBucket' },
    { actions: ['s3:GetObject'], on: 'largeRequests' },
    { actions: ADD_TO, on: 'results' },
    { actions: LIST, on: 'inputBucket' },
    { actions: ['events:PutEvents'], on: 'eventBus' },
    { actions: READ_PARAMETERS, on: 'parameters' },
    { actions: READ_SECRET, on: 'secret' },
  ],
  reconcile: [
    { actions: CHANGE_ITEMS, on: 'table' },
    { actions: ['dynamodb:Query'], on: 'dueIndex' },
    { actions: ['dynamodb:Query'], on: 'waitingIndex' },
    { actions: ['s3:GetObject'], on: 'largeRequests' },
    { actions: ADD_TO, on: 'results' },
    { actions: LIST, on: 'inputBucket' },
    { actions: ['s3:PutObject'], on: 'folderResults' },
    { actions: ['events:PutEvents'], on: 'eventBus' },
  ],
};

/** Which functions each one starts, asynchronously and by name. */
export const INVOKES: Readonly<Record<FunctionName, readonly FunctionName[]>> = {
  api: ['submit', 'callback'],
  submit: ['submit', 'callback'],
  callback: ['submit', 'callback'],
  reconcile: ['submit', 'callback'],
};
