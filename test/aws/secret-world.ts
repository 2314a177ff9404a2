import { createServer } from 'node:http';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { onTestFinished, vi } from 'vitest';
import { createApiParameterReader, createParameterReader } from '../../functions/aws/parameters.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../local/aws/credentials.ts';
import { closeServer, listenLocally } from '../../local/aws/local-service.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager.ts';
import { startSsm } from '../../local/aws/ssm.ts';
import { signedFetch } from '../local/aws/signed-fetch.ts';

/** Parameter Store and Secrets Manager behind the endpoints that the functions call, with a record of the calls. */
export async function secretWorld(secret: unknown) {
  const [ssm, secretsManager] = await Promise.all([
    startSsm({ region: LOCAL_REGION }),
    startSecretsManager({ region: LOCAL_REGION }),
  ]);
  const arn = secretsManager.create('wiro', typeof secret === 'string' ? secret : JSON.stringify(secret));
  const calls: string[] = [];
  /** Names of the requested parameters. */
  const asked: string[] = [];
  const fronts = await Promise.all([startFront(ssm.endpoint), startFront(secretsManager.endpoint)]);
  for (const [name, value] of Object.entries({
    AWS_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_SSM: fronts[0].endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: fronts[1].endpoint,
  }))
    vi.stubEnv(name, value);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await Promise.all([ssm, secretsManager, ...fronts].map(({ stop }) => stop()));
  });
  let beforeAnswer = async () => {};

  /** Records each request, and forwards it when it may be answered. */
  async function startFront(target: string) {
    const server = createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray());
      calls.push(String(request.headers['x-amz-target']).split('.').at(-1) ?? '');
      asked.push(...((JSON.parse(body.toString('utf8')) as { Names?: string[] }).Names ?? []));
      await beforeAnswer();
      const { host: _, connection: __, ...headers } = request.headers as Record<string, string>;
      const answer = await fetch(target, { method: 'POST', headers, body }).catch(() => undefined);
      if (answer === undefined) response.destroy();
      else response.writeHead(answer.status).end(await answer.text());
    });
    return { endpoint: await listenLocally(server, 0), stop: () => closeServer(server) };
  }

  const client = new SSMClient({
    endpoint: ssm.endpoint,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
  });
  const putParameter = (name: string, Value: string) =>
    client.send(new PutParameterCommand({ Name: `/wiro/a/${name}`, Value, Type: 'String', Overwrite: true }));
  await putParameter('callback-base-url', 'https://callback.example');
  await putParameter('callback-function', 'wiro-callback');

  let nowMs = 0;
  return {
    arn,
    calls,
    asked,
    putParameter,
    pass: (milliseconds: number) => {
      nowMs += milliseconds;
    },
    apiReader: ({ secretArn }: { readonly secretArn: string | undefined } = { secretArn: arn }) =>
      createApiParameterReader({
        path: '/wiro/a',
        secretArn,
        keepMs: 60_000,
        renewMs: 1_000,
        now: () => nowMs,
      }),
    reader: ({ secretArn }: { readonly secretArn: string | undefined } = { secretArn: arn }) =>
      createParameterReader({ path: '/wiro/a', secretArn, keepMs: 60_000, renewMs: 1_000, now: () => nowMs }),
    /** Withholds every answer until this many requests have arrived. */
    answerTogether: (count: number) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      beforeAnswer = async () => {
        if (calls.length >= count) resolve();
        return promise;
      };
    },
    replaceSecret: async (fields: unknown) => {
      const answer = await signedFetch('secretsmanager')(secretsManager.endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': 'secretsmanager.PutSecretValue',
        },
        body: JSON.stringify({ SecretId: arn, SecretString: JSON.stringify(fields) }),
      });
      if (!answer.ok) throw new Error(`The secret was not replaced: ${await answer.text()}`);
    },
    stopSecretsManager: () => secretsManager.stop(),
  };
}
