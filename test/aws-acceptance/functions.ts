import {
  type FunctionConfiguration,
  GetFunctionUrlConfigCommand,
  InvokeCommand,
  paginateListFunctions,
} from '@aws-sdk/client-lambda';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { FUNCTIONS, type FunctionName } from '../../functions/functions.ts';
import { ENV, PARAMETER } from '../../functions/settings.ts';
import type { Account } from './account.ts';

/** Finds the name of one function of the deployment with this table. */
export async function findFunction(
  { lambda }: Pick<Account, 'lambda'>,
  name: FunctionName,
  table: string,
): Promise<string> {
  const { description } = FUNCTIONS[name];
  const isIt = ({ Description, Environment }: FunctionConfiguration) =>
    Description === description && Environment?.Variables?.[ENV.table] === table;
  for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {})) {
    const found = Functions.find(isIt)?.FunctionName;
    if (found !== undefined) return found;
  }
  throw new Error(`No function is the "${name}" of the table ${table}`);
}

/** Finds the Function URL of `callback`, even if the stack has another `callbackBaseUrl`. */
export async function findCallbackUrl(
  { ssm, lambda }: Pick<Account, 'ssm' | 'lambda'>,
  parameterPath: string,
): Promise<string> {
  const { Parameter } = await ssm.send(
    new GetParameterCommand({ Name: `${parameterPath}/${PARAMETER.callbackFunction}` }),
  );
  const { FunctionUrl } = await lambda.send(
    new GetFunctionUrlConfigCommand({ FunctionName: Parameter?.Value }),
  );
  if (FunctionUrl === undefined) throw new Error(`${Parameter?.Value} has no Function URL`);
  return FunctionUrl;
}

/** Invokes a function every few seconds, for endpoints without schedules. @returns A function that ends it. */
export function invokeRegularly(
  { lambda }: Pick<Account, 'lambda'>,
  functionName: string,
  everyMs: number,
): () => void {
  const timer = setInterval(() => {
    // The next invocation may succeed.
    lambda.send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event' })).catch(() => {});
  }, everyMs);
  return () => clearInterval(timer);
}
