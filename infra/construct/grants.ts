import type { FunctionName } from '../../functions/functions.ts';

/** The target of a right. `grantTargetsOf` maps each target to ARNs, for example `inputs` to all buckets with inputs. */
export type GrantTarget =
  | 'table'
  | 'dueIndex'
  | 'waitingIndex'
  | 'historyIndex'
  /** The deployment's own input bucket, which also holds the answers to request files. */
  | 'inputBucket'
  /** The input bucket and the further input buckets; `inputs` are the objects in them. */
  | 'inputBuckets'
  | 'inputs'
  /** Inputs uploaded through the API. */
  | 'temporaryInputs'
  /** Request files and dropped files, if `inputPrefixes` does not already cover them. */
  | 'received'
  /** Answers to request files, in the input bucket. */
  | 'results'
  | 'rejected'
  | 'outputBucket'
  | 'outputs'
  /** `result.json` and `result.html` beside the outputs of dropped files. */
  | 'folderResults'
  /** Requests too large for a table item, in the output bucket. */
  | 'largeRequests'
  | 'eventBus'
  | 'parameters'
  /** The parameters that `api` reads: all except the callback secrets. */
  | 'apiParameters'
  /** The credentials, if the deployment stores them in Secrets Manager. */
  | 'secret';

export interface Right {
  readonly actions: readonly string[];
  readonly on: GrantTarget;
}

// Without the right to list, S3 answers 403 for a missing object instead of 404.
const LIST = ['s3:ListBucket'];
// Adding a result reads the results file and writes it back.
const ADD_TO = ['s3:GetObject', 's3:PutObject'];
// Generations, their outputs, the gate, the daily count.
const CHANGE_ITEMS = ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:Query'];
// Parameter Store decrypts with the key `aws/ssm`. That key's policy allows everyone who may read the parameter, so no
// right on the key is needed. (A customer managed key would need kms:Decrypt.)
const READ_PARAMETERS = ['ssm:GetParameters'];
const READ_SECRET = ['secretsmanager:GetSecretValue'];

/** The complete rights of each function. A new AWS call needs a line here. */
export const GRANTS: Readonly<Record<FunctionName, readonly Right[]>> = {
  api: [
    { actions: [...CHANGE_ITEMS, 'dynamodb:BatchGetItem'], on: 'table' },
    // A generation's position in line.
    { actions: ['dynamodb:Query'], on: 'waitingIndex' },
    // The list of generations.
    { actions: ['dynamodb:Query'], on: 'historyIndex' },
    { actions: ['s3:GetObject'], on: 'inputs' },
    { actions: LIST, on: 'inputBuckets' },
    { actions: ['s3:GetObject', 's3:PutObject'], on: 'largeRequests' },
    // A presigned link to an output carries the rights of its signer.
    { actions: ['s3:GetObject'], on: 'outputs' },
    // So does a presigned link to upload an input.
    { actions: ['s3:PutObject'], on: 'temporaryInputs' },
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
    // Once a corrected request file is accepted, `submit` deletes the earlier rejection. It reads the rejection first
    // to see which version it belongs to.
    { actions: [...ADD_TO, 's3:DeleteObject'], on: 'rejected' },
    { actions: ['s3:PutObject'], on: 'folderResults' },
    { actions: ['events:PutEvents'], on: 'eventBus' },
    { actions: READ_PARAMETERS, on: 'parameters' },
    { actions: READ_SECRET, on: 'secret' },
  ],
  callback: [
    { actions: CHANGE_ITEMS, on: 'table' },
    // An object that already exists at an output's key is compared, never replaced.
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

/** The functions that each one invokes asynchronously, by name. */
export const INVOKES: Readonly<Record<FunctionName, readonly FunctionName[]>> = {
  api: ['submit', 'callback'],
  submit: ['submit', 'callback'],
  callback: ['submit', 'callback'],
  reconcile: ['submit', 'callback'],
};
