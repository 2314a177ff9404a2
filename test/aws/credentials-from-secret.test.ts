import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import { expect, it } from 'vitest';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { startSystem } from '../support/system.ts';

const system = await startSystem({ credentials: 'secret' });

it('runs a generation to its end with credentials from a secret alone', async () => {
  const { ssm: endpoint, region, parameterPath } = system.environment.endpoints;
  const ssm = new SSMClient({ endpoint, region, credentials: LOCAL_CREDENTIALS });

  const { id } = await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A vault' } });
  const record = await system.ended(id);

  expect(record.status).toBe('succeeded');
  // `submit` signs the callback URL with the secret's callback secret, and `callback` verifies it.
  expect(await system.item(id)).toHaveProperty('callback.taskId', record.taskId);
  const { Parameters = [] } = await ssm.send(
    new GetParametersByPathCommand({ Path: parameterPath, Recursive: true }),
  );
  expect(Parameters.map(({ Name }) => Name?.split('/').at(-1)).toSorted()).toEqual([
    'callback-base-url',
    'callback-function',
  ]);
});
