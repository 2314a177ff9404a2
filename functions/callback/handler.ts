import type { Context, LambdaFunctionURLEvent, LambdaFunctionURLResult } from 'aws-lambda';
import { invokeLater } from '../aws/invoke.ts';
import { createCallbackStores } from '../compose/callback-stores.ts';
import { readDeployment, readParameters } from '../compose/deployment.ts';
import { parseCallbackPath } from '../generation/callback-url.ts';
import { beginInvocation, log } from '../runtime/log.ts';
import { requireEnv } from '../settings.ts';
import { createTaskHints } from '../store/task-hints.ts';
import { type CallbackOutcome, type ReceiveCallbackDeps, receiveCallback } from './receive-callback.ts';
import { createUnprovenLog, orUnproven, UnprovenError } from './unproven.ts';

/** The event that functions send each other: one generation to collect. */
export interface CollectEvent {
  readonly collect: string;
}

// Built once per container. What only collecting needs is in a file of its own, which is loaded when collecting starts: a
// callback must be answered within a second, cold start included.
const deployment = readDeployment();
const parameters = readParameters(deployment);
const deps: ReceiveCallbackDeps = {
  deployment: deployment.name,
  secrets: async () => (await orUnproven(parameters.get())).callbackSecrets,
  renewedSecrets: async () => (await orUnproven(parameters.renew())).callbackSecrets,
  ...createCallbackStores(deployment),
  hints: createTaskHints(deployment.table),
  startCollecting: (id) =>
    invokeLater(requireEnv('AWS_LAMBDA_FUNCTION_NAME'), { collect: id } satisfies CollectEvent),
  moment: deployment.moment,
};

const logUnproven = createUnprovenLog(deployment.durations.secretsRenewal);

// A callback that comes too late gets 200, too, so that its sender stops.
const STATUS: Record<CallbackOutcome['kind'], number> = { noted: 200, kept: 200, over: 200, forged: 403 };
/** Includes the path that a `callbackBaseUrl` may have. */
const LONGEST_PATH = 2_048;

export async function handler(
  event: LambdaFunctionURLEvent | CollectEvent,
  context: Context,
): Promise<LambdaFunctionURLResult | undefined> {
  beginInvocation(context);
  if ('collect' in event) {
    const { collect } = await import('../collect/collect.ts');
    await collect(deployment, parameters, event.collect, () => context.getRemainingTimeInMillis());
    return undefined;
  }
  // Anyone who knows the address can send anything. Only path and method are read before the signature is checked.
  const { rawPath = '', requestContext }: Partial<LambdaFunctionURLEvent> = event;
  const callback = rawPath.length <= LONGEST_PATH ? parseCallbackPath(rawPath) : undefined;
  if (callback === undefined) return answer(403, 'forged');
  if (requestContext?.http?.method !== 'POST') return answer(405, 'POST only');
  try {
    const { kind } = await receiveCallback(deps, callback, () =>
      Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8').toString(),
    );
    return answer(STATUS[kind], kind);
  } catch (error) {
    // Neither accepted nor rejected: the sender must try again.
    if (error instanceof UnprovenError) logUnproven(error);
    else log.error('A callback could not be noted', { generationId: callback.generationId, error });
    return answer(503, 'try again');
  }
}

const answer = (statusCode: number, body: string) => ({
  statusCode,
  headers: { 'content-type': 'text/plain', 'cache-control': 'no-store' },
  body,
});
