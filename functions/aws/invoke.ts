import { callAws } from './call.ts';

/** Starts a function and does not wait for it: Lambda queues the event and tries it up to three times. */
export type InvokeLater = (functionName: string, event: unknown) => Promise<void>;

const LAMBDA = { name: 'lambda', endpointVariable: 'LAMBDA' };

/** @throws {AwsCallError} When Lambda did not take the event. `reconcile` sees what is due, so it may be ignored. */
export const invokeLater: InvokeLater = async (functionName, event) => {
  await callAws(LAMBDA, {
    path: `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`,
    headers: { 'content-type': 'application/json', 'x-amz-invocation-type': 'Event' },
    body: JSON.stringify(event),
  });
};
