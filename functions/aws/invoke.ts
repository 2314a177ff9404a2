import { callAws } from './call.ts';

/** Invokes a function asynchronously. Lambda queues the event and delivers it up to three times. */
export type InvokeLater = (functionName: string, event: unknown) => Promise<void>;

const LAMBDA = { name: 'lambda', endpointVariable: 'LAMBDA' };

/** @throws {AwsCallError} If Lambda does not accept the event. Safe to ignore: `reconcile` starts whatever is due. */
export const invokeLater: InvokeLater = async (functionName, event) => {
  await callAws(LAMBDA, {
    path: `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`,
    headers: { 'content-type': 'application/json', 'x-amz-invocation-type': 'Event' },
    body: JSON.stringify(event),
  });
};
