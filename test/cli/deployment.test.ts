import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientOptions, findDeployment } from '../../cli/deployment.ts';
import { EXIT, exitCodeOf } from '../../cli/errors.ts';
import { findLocalDeployment } from '../../cli/local-deployment.ts';
import { explainAws } from '../../cli/stack-deployment.ts';

const ENDPOINTS = { api: 'http://127.0.0.1:4000', region: 'us-east-1', inputBucket: 'inputs' };

describe('the local environment', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'wiro-cli-'));
    await mkdir(path.join(folder, 'deep/er'), { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function runsIn(data: string, content = JSON.stringify(ENDPOINTS)) {
    await mkdir(path.join(folder, data), { recursive: true });
    await writeFile(path.join(folder, data, 'endpoints.json'), content);
  }

  it('is found from a folder below the one where npm start runs', async () => {
    await runsIn('.local');

    const found = await findLocalDeployment({ from: path.join(folder, 'deep/er') });

    expect(found).toMatchObject({
      kind: 'local',
      url: ENDPOINTS.api,
      region: 'us-east-1',
      endpoints: ENDPOINTS,
    });
    expect(clientOptions(found)).toEqual({ url: ENDPOINTS.api });
  });

  it('is the nearest of several, and the one of --data', async () => {
    await runsIn('.local', JSON.stringify({ ...ENDPOINTS, api: 'http://127.0.0.1/far' }));
    await runsIn('deep/.local', JSON.stringify({ ...ENDPOINTS, api: 'http://127.0.0.1/near' }));
    await runsIn('other', JSON.stringify({ ...ENDPOINTS, api: 'http://127.0.0.1/other' }));

    const near = await findLocalDeployment({ from: path.join(folder, 'deep/er') });
    const named = await findLocalDeployment({ from: path.join(folder, 'deep'), data: '../other' });

    expect([near.url, named.url]).toEqual(['http://127.0.0.1/near', 'http://127.0.0.1/other']);
    expect(near.identity).not.toBe(named.identity);
  });

  it('is said to be missing, or to be something else', async () => {
    await runsIn('.local', '{"api": 5}');

    const missing = await findLocalDeployment({ from: folder, data: 'nothing' }).catch((error) => error);
    const strange = await findLocalDeployment({ from: folder }).catch((error) => error);

    expect(missing.message).toBe(
      'No environment runs with its data in nothing: start it with "npm start -- --data nothing", or name a deployed stack with --stack NAME.',
    );
    await runsIn('.local', JSON.stringify({ ...ENDPOINTS, api: 'http://elsewhere.test' }));
    const elsewhere = await findLocalDeployment({ from: folder }).catch((error) => error);

    expect(elsewhere.message).toBe(strange.message);
    expect(strange.message).toContain('.local/endpoints.json is not what "npm start" writes');
    expect([missing, strange].map(exitCodeOf)).toEqual([EXIT.unreachable, EXIT.unreachable]);
  });

  it.each([
    [{ region: 'eu-central-1' }, '--region is for a deployed stack: add --stack NAME.'],
    [{ profile: 'work' }, '--profile is for a deployed stack: add --stack NAME.'],
    [
      { stack: 'Shop', data: 'x' },
      '--data names a local environment and --stack a deployed one: leave one of them out.',
    ],
  ])('refuses %j', async (options, message) => {
    await expect(findDeployment(options)).rejects.toMatchObject({ message, exitCode: EXIT.usage });
  });
});

describe('a deployed stack', () => {
  let server: Server;
  let answer: { readonly status: number; readonly body: string };
  beforeEach(async () => {
    server = createServer((_, response) =>
      response.writeHead(answer.status, { 'content-type': 'text/xml' }).end(answer.body),
    ).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const nowhere = path.join(tmpdir(), 'no-such-file');
    for (const [name, value] of Object.entries({
      AWS_ENDPOINT_URL_CLOUDFORMATION: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      AWS_ACCESS_KEY_ID: 'key',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_REGION: 'eu-central-1',
      AWS_CONFIG_FILE: nowhere,
      AWS_SHARED_CREDENTIALS_FILE: nowhere,
      AWS_EC2_METADATA_DISABLED: 'true',
    }))
      vi.stubEnv(name, value);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    server.closeAllConnections();
    server.close();
  });

  const stackWith = (outputs: Readonly<Record<string, string>>, status = 'UPDATE_COMPLETE') => ({
    status: 200,
    body: `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>Shop</StackName>
      <StackId>arn:aws:cloudformation:eu-central-1:123456789012:stack/Shop/1</StackId>
      <CreationTime>2026-10-01T00:00:00Z</CreationTime><StackStatus>${status}</StackStatus><Outputs>${Object.entries(
        outputs,
      )
        .map(
          ([key, value]) =>
            `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
        )
        .join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  });
  const refusal = (code: string, message: string) => ({
    status: 400,
    body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  });
  const find = (more = {}) => findDeployment({ stack: 'Shop', ...more });

  it('is its API’s URL, region, account, outputs and renewed credentials', async () => {
    answer = stackWith({ ApiUrl: 'https://a.lambda-url.eu-central-1.on.aws/', TableName: 't' });

    const found = await find();

    expect(found).toMatchObject({
      kind: 'stack',
      url: 'https://a.lambda-url.eu-central-1.on.aws/',
      region: 'eu-central-1',
      account: '123456789012',
      identity: 'stack Shop eu-central-1 123456789012',
      outputs: { TableName: 't' },
    });
    expect(found.kind === 'stack' && (await found.credentials())).toEqual({
      accessKeyId: 'key',
      secretAccessKey: 'secret',
    });
  });

  it('may name its output otherwise, and several deployments have to be told apart', async () => {
    answer = stackWith({ WiroApiUrl: 'https://one.test/', CallbackUrl: 'https://callback.test/' });
    const one = await find();
    answer = stackWith({ PhotosApiUrl: 'https://photos.test/', FilmsApiUrl: 'https://films.test/' });
    const several = await find().catch((error) => error);
    const named = await find({ apiOutput: 'FilmsApiUrl' });

    expect(one.url).toBe('https://one.test/');
    expect(several).toMatchObject({
      exitCode: EXIT.usage,
      message:
        'The stack Shop has several deployments: name one with --api-output FilmsApiUrl or --api-output PhotosApiUrl.',
    });
    expect(named.url).toBe('https://films.test/');
  });

  it.each([
    [
      'has no such output',
      () => stackWith({ TableName: 't' }),
      "The stack Shop has no output with the API's URL: add new CfnOutput(this, 'ApiUrl', { value: wiro.apiUrl }) to it and deploy it, or correct --stack.",
    ],
    [
      'is not deployed',
      () => stackWith({}, 'ROLLBACK_COMPLETE'),
      'The stack Shop is not deployed (ROLLBACK_COMPLETE): deploy it first.',
    ],
    [
      'does not exist',
      () => refusal('ValidationError', 'Stack with id Shop does not exist'),
      'There is no stack "Shop" in eu-central-1 in the account of these credentials: correct --stack, or choose --region and --profile.',
    ],
    [
      'is asked for with expired credentials',
      () => refusal('ExpiredToken', 'The security token included in the request is expired'),
      'The AWS credentials have expired: sign in again.',
    ],
    [
      'is asked for with unknown credentials',
      () => refusal('InvalidClientTokenId', 'The security token included in the request is invalid'),
      "AWS rejected the credentials (InvalidClientTokenId): sign in again, and check this machine's clock.",
    ],
    [
      'may not be read',
      () => refusal('AccessDenied', 'User is not authorized'),
      'AWS denied access: allow cloudformation:DescribeStacks on the stack Shop, and lambda:InvokeFunctionUrl on its API.',
    ],
  ])('that %s is explained', async (_, given, message) => {
    answer = given();

    await expect(find()).rejects.toMatchObject({ message, exitCode: EXIT.unreachable });
  });

  it('needs a region and credentials', async () => {
    vi.stubEnv('AWS_REGION', '');
    const nowhere = await find().catch((error) => error);
    vi.stubEnv('AWS_REGION', 'eu-central-1');
    const stranger = await find({ profile: 'work' }).catch((error) => error);

    expect(nowhere.message).toBe(
      'The AWS region is missing: add --region, for example --region eu-central-1, or set AWS_REGION.',
    );
    expect(stranger.message).toBe(
      'The AWS profile "work" does not exist or has no credentials: correct --profile, or add it with "aws configure --profile work".',
    );
    expect([nowhere, stranger].map(exitCodeOf)).toEqual([EXIT.unreachable, EXIT.unreachable]);
  });

  it('that AWS cannot be asked about is explained by what is known', () => {
    const asked = { stack: 'Shop', region: 'eu-central-1' };
    const noSession = Object.assign(
      new Error(
        "The SSO session associated with this profile has expired. To refresh this SSO session run 'aws sso login'",
      ),
      { name: 'CredentialsProviderError' },
    );

    expect(explainAws(noSession, { ...asked, profile: 'work' }).message).toBe(
      'The session of the AWS credentials has ended: sign in again (for example: aws sso login --profile work).',
    );
    expect(explainAws(new Error('getaddrinfo ENOTFOUND x'), asked).message).toBe(
      'Cannot ask AWS in eu-central-1 for the stack Shop: getaddrinfo ENOTFOUND x',
    );
  });
});
