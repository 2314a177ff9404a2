import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { FUNCTIONS, type FunctionName } from '../../functions/functions.ts';
import { parseInputPrefixes } from '../../functions/request/input-prefixes.ts';
import type { WiroGenerationsProps } from '../wiro-generations-props.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Resources } from './environment.ts';
import { grantKey, OBJECT_KEY, TABLE_KEY } from './grant-keys.ts';
import { grantTargetsOf } from './grant-targets.ts';
import { GRANTS, INVOKES } from './grants.ts';
import type { WiroFunction } from './wiro-function.ts';

type Functions = Readonly<Record<FunctionName, WiroFunction>>;

export interface ConnectOptions extends Resources {
  readonly props: WiroGenerationsProps<s3.IBucket>;
  readonly deadLetters: DeadLetters;
}

/** Gives each function its rights and its triggers. */
export function connectFunctions(scope: Construct, functions: Functions, options: ConnectOptions): void {
  const { props, inputs, eventBus, deadLetters } = options;
  const { furtherInputBuckets = [], inputPrefixes = [], presets = {} } = props;
  const hasPresets = Object.keys(presets).length > 0;
  const targetArns = grantTargetsOf(scope, {
    ...options,
    inputBucketArn: inputs.arnForFunctions,
    furtherInputBuckets,
    inputBucketName: inputs.nameForFunctions,
    inputPrefixes: parseInputPrefixes(inputPrefixes, inputs.nameForFunctions),
    receivesUploads: hasPresets || props.inputBucket === undefined,
  });
  for (const name of Object.keys(functions) as FunctionName[]) {
    const { function: fn } = functions[name];
    for (const { actions, on } of GRANTS[name])
      if (targetArns[on].length > 0) functions[name].allow(actions, targetArns[on]);
    functions[name].allowInvoking(INVOKES[name].map((other) => functions[other]));
    // In a bucket of the app's own, other notifications for the prefix may exist, and S3 refuses overlaps.
    for (const { prefix, isForPresets } of FUNCTIONS[name].objectsCreated ?? [])
      if (!isForPresets || hasPresets || props.inputBucket === undefined) inputs.startFor(prefix, fn);
    const { eventsPut } = FUNCTIONS[name];
    if (eventsPut)
      new events.Rule(scope, `${name}Requested`, {
        description: `Starts ${name} for each event "${eventsPut.join('", "')}".`,
        eventBus,
        eventPattern: { detailType: [...eventsPut] },
        targets: [new targets.LambdaFunction(fn, { deadLetterQueue: deadLetters })],
      });
  }
  grantKeys(functions, options);
}

/** Lets the functions use the encryption keys of resources that the app brings. */
function grantKeys(functions: Functions, { props, table, secret }: ConnectOptions): void {
  const all = Object.values(functions).map((each) => each.function);
  const [api, submit, callback] = [
    functions.api.function,
    functions.submit.function,
    functions.callback.function,
  ];
  grantKey(table.encryptionKey, TABLE_KEY, all);
  grantKey(props.inputBucket?.encryptionKey, OBJECT_KEY, all);
  grantKey(props.outputBucket?.encryptionKey, OBJECT_KEY, all);
  for (const { encryptionKey } of props.furtherInputBuckets ?? [])
    grantKey(encryptionKey, ['kms:Decrypt'], [api, submit]);
  grantKey(secret?.encryptionKey, ['kms:Decrypt'], [api, submit, callback]);
}
