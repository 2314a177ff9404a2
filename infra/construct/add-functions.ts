import { Duration } from 'aws-cdk-lib';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { FUNCTIONS, type FunctionName } from '../../functions/functions.ts';
import type { WiroGenerationsProps } from '../wiro-generations-props.ts';
import type { DeadLetters } from './dead-letters.ts';
import { INVOKES } from './grants.ts';
import { shippedCode } from './shipped-code.ts';
import { type Environment, WiroFunction } from './wiro-function.ts';

/** Functions that other functions invoke asynchronously. Lambda tries each invocation three times. */
const INVOKED_ASYNC: ReadonlySet<FunctionName> = new Set(Object.values(INVOKES).flat());

/** Adds the four functions, without rights and triggers. */
export function addFunctions(
  scope: Construct,
  props: WiroGenerationsProps<s3.IBucket>,
  { environment, deadLetters }: { readonly environment: Environment; readonly deadLetters: DeadLetters },
): Readonly<Record<FunctionName, WiroFunction>> {
  const code = props.code ?? shippedCode(scope);
  const add = (id: string, name: FunctionName, names: Environment, maxEventAge?: Duration) => {
    const reservedConcurrency = props.reservedConcurrency?.[name];
    return new WiroFunction(scope, id, {
      describedBy: FUNCTIONS[name],
      code: code[name],
      environment: { ...environment, ...names },
      ...(INVOKED_ASYNC.has(name) && { onFailure: deadLetters.destination }),
      isTraced: props.observability !== 'none' && !FUNCTIONS[name].everyMinute,
      ...(maxEventAge && { maxEventAge }),
      ...(reservedConcurrency !== undefined && { reservedConcurrency }),
      ...(props.logRetention !== undefined && { logRetention: props.logRetention }),
    });
  };
  // CloudFormation forbids cycles, so each function receives only the names of those created before it. `submit`
  // reads its own name from AWS_LAMBDA_FUNCTION_NAME, and that of `callback` from a parameter.
  const submit = add('Submit', 'submit', {});
  const submitFunction = submit.function.functionName;
  // Longer retries are useless: after 15 minutes, `reconcile` has started collecting the generation again.
  const callback = add('Callback', 'callback', { submitFunction }, Duration.minutes(15));
  const names = { submitFunction, callbackFunction: callback.function.functionName };
  const reconcile = add('Reconcile', 'reconcile', names);
  const api = add('Api', 'api', names);
  return { api, submit, callback, reconcile };
}
