import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import { onTestFinished } from 'vitest';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../local/aws/credentials.ts';
import { startSsm } from '../../local/aws/ssm.ts';

export interface ParameterStore {
  readonly ssm: SSMClient;
  /** The parameters under the path, by name, with their type and decrypted value. */
  readonly stored: () => Promise<Readonly<Record<string, string>>>;
}

/** Starts an empty Parameter Store, which stops at the end of the test. */
export async function startParameterStore(path: string): Promise<ParameterStore> {
  const { endpoint, stop } = await startSsm({ region: LOCAL_REGION });
  const ssm = new SSMClient({
    endpoint,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 1,
  });
  onTestFinished(async () => {
    ssm.destroy();
    await stop();
  });
  return {
    ssm,
    stored: async () => {
      const { Parameters = [] } = await ssm.send(
        new GetParametersByPathCommand({ Path: path, WithDecryption: true }),
      );
      return Object.fromEntries(
        Parameters.map(({ Name = '', Type, Value }) => [Name.slice(path.length + 1), `${Type} ${Value}`]),
      );
    },
  };
}
