import { failed, type HostedFunction, type InvocationResult, PAYLOAD_LIMIT } from './lambda-types.ts';

// How Lambda words the end of an invocation that the function's code did not answer.

export function timedOut(requestId: string, { timeoutSeconds }: HostedFunction): InvocationResult {
  const message = `RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds.toFixed(2)} seconds`;
  return failed(requestId, 'Sandbox.Timedout', message);
}

export function exited(requestId: string, how: string): InvocationResult {
  const why =
    how === 'exit status 0'
      ? 'Runtime exited without providing a reason'
      : `Runtime exited with error: ${how}`;
  const message = `RequestId: ${requestId} Error: ${why}`;
  return failed(requestId, 'Runtime.ExitError', message);
}

export function answerTooLarge(requestId: string): InvocationResult {
  const message = `Response payload size exceeded maximum allowed payload size (${PAYLOAD_LIMIT.answer} bytes).`;
  return failed(requestId, 'Function.ResponseSizeTooLarge', message);
}

export function errorTypeOf(payload: string): string {
  try {
    return String((JSON.parse(payload) as { errorType?: unknown }).errorType);
  } catch {
    return 'Unknown';
  }
}
