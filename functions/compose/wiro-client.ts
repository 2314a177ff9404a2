import type { ApiParameters, ParameterReader } from '../aws/parameters.ts';
import type { Clock } from '../generation/time.ts';
import { type Durations, ENV, WIRO_DEFAULTS } from '../settings.ts';
import { createWiroClient } from '../wiro/client.ts';
import type { WiroClient } from '../wiro/types.ts';

/** Creates this deployment's Wiro client, with its URL, credentials and timeouts. */
export function createDeploymentWiro(
  { durations, clock }: { readonly durations: Durations; readonly clock: Clock },
  parameters: Pick<ParameterReader<Omit<ApiParameters, 'callbackFunction'>>, 'get'>,
  env = process.env,
): WiroClient {
  return createWiroClient({
    apiUrl: env[ENV.wiroApiUrl] || WIRO_DEFAULTS.apiUrl,
    credentials: async () => {
      const { apiKey, apiSecret } = await parameters.get();
      return { apiKey, ...(apiSecret !== undefined && { apiSecret }) };
    },
    timeouts: {
      connectMs: durations.connect,
      headersMs: durations.headers,
      bodyMs: durations.body,
      stallMs: durations.stall,
    },
    now: clock,
  });
}
