import type { Submission } from '../../../client/index.ts';

/** Gives the requests of a form their idempotency keys. */
export interface RunKeys {
  /** The request as it is sent. A repeat after a lost answer has the same key, so that nothing is paid twice. */
  keyed(request: Submission): Submission;
  /** The answer came: the same form then runs once more. */
  accepted(): void;
}

export function createRunKeys(): RunKeys {
  let sent: { readonly request: string; readonly key: string } | undefined;
  return {
    keyed: (request) => {
      if (request.idempotencyKey !== undefined) return request;
      const text = JSON.stringify(request);
      if (sent?.request !== text) sent = { request: text, key: crypto.randomUUID() };
      return { ...request, idempotencyKey: sent.key };
    },
    accepted: () => {
      sent = undefined;
    },
  };
}
