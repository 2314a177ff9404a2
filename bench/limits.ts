import type { FunctionName } from '../functions/functions.ts';

/** What is counted of each call. */
export const METRICS = ['requests', 'write units', 'read units', 'S3 PUT, POST, LIST'] as const;

/** Counts in the order of `METRICS`. */
export type Counted = readonly [requests: number, writeUnits: number, readUnits: number, puts: number];
export type CallLimits = Readonly<Record<string, Counted>>;
export type PerCall = Readonly<Partial<Record<FunctionName, CallLimits>>>;

/**
 * What one generation with two new inputs and two outputs may call, and one idle run of `reconcile`. Only the sums of a
 * function are limits. The single calls show which one grew. `npm run test:system` counts them.
 */
export const CALLS: Readonly<Record<'upload' | 'presigned', PerCall>> = {
  upload: {
    api: {
      'GetItem state': [1, 0, 1, 0],
      'S3 HEAD': [2, 0, 0, 0],
      'PutItem request': [1, 1, 0, 0],
      'PutItem state': [1, 3, 0, 0],
      LAMBDA: [1, 0, 0, 0],
    },
    submit: {
      'GetItem state': [1, 0, 1, 0],
      'PutItem state': [4, 6, 0, 0],
      'GetItem request': [1, 0, 1, 0],
      'GetItem schema': [1, 0, 0.5, 0],
      'GetItem content': [2, 0, 1, 0],
      'S3 GET': [2, 0, 0, 0],
      'GetItem upload': [2, 0, 2, 0],
      'PutItem upload': [4, 4, 0, 0],
      'Wiro File/Upload': [2, 0, 0, 0],
      'UpdateItem gate': [2, 2, 0, 0],
      'Wiro Run/wiro': [1, 0, 0, 0],
      'Query hint': [1, 0, 1, 0],
      EVENTBRIDGE: [1, 0, 0, 0],
    },
    callback: {
      'UpdateItem state': [1, 3, 0, 0],
      LAMBDA: [1, 0, 0, 0],
      'GetItem state': [1, 0, 1, 0],
      'PutItem state': [3, 6, 0, 0],
      'Wiro Task/Detail': [1, 0, 0, 0],
      'UpdateItem gate': [1, 1, 0, 0],
      'Wiro output': [2, 0, 0, 0],
      'S3 PUT': [2, 0, 0, 2],
      'PutItem outputs': [1, 1, 0, 0],
      'Query hint': [1, 0, 1, 0],
      EVENTBRIDGE: [1, 0, 0, 0],
      'GetItem counted': [1, 0, 1, 0],
      'UpdateItem row': [2, 2, 0, 0],
      'PutItem counted': [1, 1, 0, 0],
    },
    reconcile: {
      'GetItem gate': [1, 0, 1, 0],
      'Query waiting': [1, 0, 0.5, 0],
      'Query due': [8, 0, 4, 0],
    },
  },
  presigned: {
    api: {
      'GetItem state': [1, 0, 1, 0],
      'S3 HEAD': [2, 0, 0, 0],
      'PutItem request': [1, 1, 0, 0],
      'PutItem state': [1, 3, 0, 0],
      LAMBDA: [1, 0, 0, 0],
    },
    submit: {
      'GetItem state': [1, 0, 1, 0],
      'PutItem state': [4, 6, 0, 0],
      'GetItem request': [1, 0, 1, 0],
      'S3 HEAD': [2, 0, 0, 0],
      'GetItem schema': [1, 0, 0.5, 0],
      'UpdateItem gate': [2, 2, 0, 0],
      'Wiro Run/wiro': [1, 0, 0, 0],
      'Query hint': [1, 0, 1, 0],
      EVENTBRIDGE: [1, 0, 0, 0],
      'S3 presigned': [2, 0, 0, 0],
    },
    callback: {
      'UpdateItem state': [1, 3, 0, 0],
      LAMBDA: [1, 0, 0, 0],
      'GetItem state': [1, 0, 1, 0],
      'PutItem state': [3, 6, 0, 0],
      'Wiro Task/Detail': [1, 0, 0, 0],
      'UpdateItem gate': [1, 1, 0, 0],
      'Wiro output': [2, 0, 0, 0],
      'S3 PUT': [2, 0, 0, 2],
      'PutItem outputs': [1, 1, 0, 0],
      'Query hint': [1, 0, 1, 0],
      EVENTBRIDGE: [1, 0, 0, 0],
      'GetItem counted': [1, 0, 1, 0],
      'UpdateItem row': [2, 2, 0, 0],
      'PutItem counted': [1, 1, 0, 0],
    },
    reconcile: {
      'GetItem gate': [1, 0, 1, 0],
      'Query waiting': [1, 0, 0.5, 0],
      'Query due': [8, 0, 4, 0],
    },
  },
};

/** What a function may load when it starts: kilobytes of its bundle, and the source files in them. `npm test` counts them. */
export const AT_START: Readonly<Record<FunctionName, { readonly kb: number; readonly modules: number }>> = {
  api: { kb: 101, modules: 99 },
  submit: { kb: 136, modules: 131 },
  callback: { kb: 36, modules: 45 },
  reconcile: { kb: 52, modules: 55 },
};
