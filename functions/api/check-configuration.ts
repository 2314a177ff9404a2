import { NotConfiguredError } from '../aws/not-configured.ts';
import type { ApiParameters, ParameterReader } from '../aws/parameters.ts';
import { reportNotConfigured } from '../events/setback.ts';
import { logIgnored } from '../runtime/log-ignored.ts';

/**
 * Tells whether the deployment lacks its secrets, as far as that can be told within the time: when they cannot be
 * read for another reason, what is requested is accepted, and waits.
 * @returns A function that answers what is missing and the remedy; `undefined` when nothing is known to be. It never
 *   throws.
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
      if (!(error instanceof NotConfiguredError)) logIgnored('what is accepted waits for them')(error);
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
