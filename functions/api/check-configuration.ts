import { NotConfiguredError } from '../aws/not-configured.ts';
import type { ApiParameters, ParameterReader } from '../aws/parameters.ts';
import { reportNotConfigured } from '../events/setback.ts';
import { RequestError } from '../generation/errors.ts';
import { logIgnored } from '../runtime/log-ignored.ts';

/**
 * Creates a check for missing secrets with a time limit. If the secrets cannot be read for another reason, the API
 * accepts requests, and the generations wait.
 * @returns A function that returns what is missing and the remedy, or `undefined` if nothing is known to be missing. It
 *   never throws.
 */
export function createConfigurationCheck({
  parameters,
  limitMs,
}: {
  readonly parameters: Pick<ParameterReader<ApiParameters>, 'get'>;
  readonly limitMs: number;
}): () => Promise<string | undefined> {
  async function read(): Promise<string | undefined> {
    try {
      await parameters.get();
    } catch (error) {
      if (!(error instanceof NotConfiguredError))
        logIgnored('accepted generations wait for the secrets')(error);
      else {
        reportNotConfigured(error);
        return error.message;
      }
    }
    return undefined;
  }

  return async () => {
    let timer: NodeJS.Timeout | undefined;
    const timeIsUp = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, limitMs, undefined);
    });
    return Promise.race([read(), timeIsUp]).finally(() => clearTimeout(timer));
  };
}

/** @throws {RequestError} `not_configured` if secrets are missing. */
export function requireSecrets(missing: string | undefined): void {
  if (missing === undefined) return;
  throw new RequestError(
    'not_configured',
    `This deployment lacks its secrets and runs nothing yet: ${missing}. Then send the request again.`,
    undefined,
    true,
  );
}
