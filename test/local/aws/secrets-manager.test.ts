import { expect, it, onTestFinished } from 'vitest';
import { startSecretsManager } from '../../../local/aws/secrets-manager.ts';
import { signedFetch } from './signed-fetch.ts';

async function secretWorld() {
  const service = await startSecretsManager({ region: 'us-east-1' });
  onTestFinished(service.stop);
  const SecretId = service.create('wiro', 'first');
  const call = async (operation: string, input: object): Promise<Record<string, unknown>> => {
    const response = await signedFetch('secretsmanager')(service.endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `secretsmanager.${operation}`,
      },
      body: JSON.stringify({ SecretId, ...input }),
    });
    return { status: response.status, ...((await response.json()) as Record<string, unknown>) };
  };
  return { call };
}

it('stores a repeated request once, and refuses its token for another value', async () => {
  const { call } = await secretWorld();
  const token = { ClientRequestToken: 't'.repeat(32) };

  const first = await call('PutSecretValue', { SecretString: 'second', ...token });
  const again = await call('PutSecretValue', { SecretString: 'second', ...token });
  const other = await call('PutSecretValue', { SecretString: 'third', ...token });

  expect([first.VersionId, again.VersionId]).toEqual([token.ClientRequestToken, token.ClientRequestToken]);
  expect(other.__type).toBe('ResourceExistsException');
  expect(await call('GetSecretValue', {})).toMatchObject({ SecretString: 'second' });
});

it('returns no other version or stage than the current one', async () => {
  const { call } = await secretWorld();
  const { VersionId } = await call('GetSecretValue', {});
  await call('PutSecretValue', { SecretString: 'second' });

  expect(await call('GetSecretValue', { VersionId })).toMatchObject({ __type: 'ResourceNotFoundException' });
  expect(await call('GetSecretValue', { VersionStage: 'AWSPREVIOUS' })).toMatchObject({ status: 501 });
  expect(await call('PutSecretValue', { SecretBinary: 'eA==' })).toMatchObject({ status: 501 });
});
