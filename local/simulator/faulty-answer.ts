import type { ServerResponse } from 'node:http';
import type { Answer } from './api.ts';
import type { Clock } from './clock.ts';
import type { AnswerFault } from './fault-rules.ts';
import { sendJson, sendText } from './http-answers.ts';

export const PROXY_PAGE =
  '<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>';

/**
 * Responds to a call with a fault. The work happens before, after or not at all.
 * @param work - Does the call's work and returns the correct response. Never throws.
 */
export async function answerWithFault(
  { clock, announced }: { clock: Clock; announced: (answer: Answer) => Promise<void> },
  fault: AnswerFault,
  work: () => Promise<Answer>,
  response: ServerResponse,
): Promise<void> {
  const { delayMs = 0, lateMs = 0 } = fault;
  // A slow response is the correct one, so it waits for late work.
  if (fault.work === 'late' && fault.kind !== 'slow') void clock.wait(lateMs).then(work);
  const correct = (fault.work ?? 'done') === 'done' ? await work() : undefined;
  if (delayMs > 0) await clock.wait(delayMs);

  switch (fault.kind) {
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'silent':
      return;
    case 'status': {
      const retryAfter: Record<string, string> =
        fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter };
      return sendText(response, fault.body ?? `${fault.status}`, fault.status, retryAfter);
    }
    case 'html':
      return sendText(response, PROXY_PAGE, fault.status ?? 200, { 'content-type': 'text/html' });
    case 'garbage':
      return sendText(response, '{"result":true,"errors":[],"ta', 200, {
        'content-type': 'application/json',
      });
    case 'truncated':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000 });
      response.write('{"result":true,', () => response.socket?.destroy());
      return;
    case 'error': {
      const { code = 0, message = 'Server error', bare = false } = fault;
      return sendJson(response, { result: false, errors: [bare ? message : { code, message }] });
    }
    case 'noTaskId':
      return sendJson(response, { result: true, errors: [] });
    case 'slow':
      if (fault.work === 'never') return sendText(response, PROXY_PAGE, 503, { 'content-type': 'text/html' });
      return sendJson(response, correct ?? (await work()));
    case 'afterCallback':
      if (correct) await announced(correct);
      return sendJson(response, correct ?? { result: false, errors: [] });
    case 'ignored':
      return sendJson(response, correct);
  }
}
