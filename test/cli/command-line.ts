import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { buildPage } from '../../console/build-page.ts';
import { PAGE_FILE } from '../../console/read-page.ts';
import { bundleCli } from '../../infra/build/bundle-cli.ts';
import type { Endpoints } from '../../local/environment.ts';
import { type CommandEnd, ROOT, type RunningCommand, startCommand } from '../support/command.ts';

export const ACCOUNT = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret/of+the/account' } as const;
export const REGION = 'eu-central-1';

/** The bin as the package brings it, in a folder where a user works. */
export interface CommandLine {
  /** The user's folder. */
  readonly folder: string;
  /** The command and its first arguments. */
  readonly command: readonly [string, ...string[]];
  /** What the commands have in their environment beside what they inherit. */
  readonly env: Readonly<Record<string, string>>;
  file(name: string): string;
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<RunningCommand>;
  /** Runs a command to its end. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CommandEnd>;
}

/** Builds the bin once for a test file. */
export async function buildCommandLine(): Promise<CommandLine> {
  const folder = await mkdtemp(path.join(tmpdir(), 'wiro-cli-'));
  const installed = path.join(folder, 'node_modules/wiro-serverless');
  afterAll(() => rm(folder, { recursive: true, force: true }));
  await mkdir(installed, { recursive: true });
  await cp(path.join(ROOT, 'package.json'), path.join(installed, 'package.json'));
  await bundleCli(path.join(installed, 'dist'));
  await writeFile(path.join(installed, 'dist', PAGE_FILE), (await buildPage()).html);
  const nowhere = path.join(folder, 'no-such-file');
  const command = [process.execPath, path.join(installed, 'dist/cli.mjs')] as const;
  const ownEnv = {
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    AWS_REGION: '',
    AWS_CONFIG_FILE: nowhere,
    AWS_SHARED_CREDENTIALS_FILE: nowhere,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const start: CommandLine['start'] = (args, env = {}) =>
    startCommand([...command, ...args], { cwd: folder, env: { ...ownEnv, ...env } });
  return {
    folder,
    command,
    env: ownEnv,
    file: (name) => path.join(folder, name),
    start,
    run: async (args, env) => (await start(args, env)).ended,
  };
}

/** Lets commands in the user's folder find a local environment, as `npm start` does. */
export async function publishEndpoints(folder: string, endpoints: Endpoints): Promise<void> {
  await mkdir(path.join(folder, '.local'), { recursive: true });
  await writeFile(path.join(folder, '.local/endpoints.json'), JSON.stringify(endpoints));
}

/** What names the stack below. */
export interface DeployedStack {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The paths of requests that were signed right, and of those that were not. */
  readonly signed: readonly string[];
  readonly unsigned: readonly string[];
}

/** Serves an API as a deployed stack does: CloudFormation knows its URL, and it demands the account's signatures. */
export async function deployStack(api: string): Promise<DeployedStack> {
  const signed: string[] = [];
  const unsigned: string[] = [];
  const functionUrl = await serve(async (request, response) => {
    const body = await read(request);
    if (!isSigned(request, body)) {
      unsigned.push(request.url ?? '');
      response.writeHead(403, { 'content-type': 'application/json' }).end('{"Message":"Forbidden"}');
      return;
    }
    signed.push(`${request.method} ${request.url}`);
    const answer = await fetch(api + request.url, {
      method: request.method ?? 'GET',
      ...(body.length > 0 && {
        body: new Uint8Array(body),
        headers: { 'content-type': request.headers['content-type'] ?? '' },
      }),
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
  const cloudFormation = await serve(async (request, response) => {
    const query = new URLSearchParams((await read(request)).toString());
    const isKnown = request.headers.authorization?.includes(`Credential=${ACCOUNT.accessKeyId}/`);
    const isThere =
      query.get('StackName') === 'Shop' && request.headers.authorization?.includes(`/${REGION}/`);
    const [status, text] = !isKnown
      ? [403, error('InvalidClientTokenId', 'The security token included in the request is invalid.')]
      : isThere
        ? [200, describeStack({ ApiUrl: functionUrl, TableName: 'table' })]
        : [400, error('ValidationError', `Stack with id ${query.get('StackName')} does not exist`)];
    response.writeHead(status, { 'content-type': 'text/xml' }).end(text);
  });
  const others = await serve((_, response) => {
    response.writeHead(403, { 'content-type': 'text/xml' }).end(error('AccessDenied', 'Not allowed.'));
  });
  return {
    args: ['--stack', 'Shop', '--region', REGION],
    env: {
      AWS_ACCESS_KEY_ID: ACCOUNT.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ACCOUNT.secretAccessKey,
      AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation,
      AWS_ENDPOINT_URL: others,
    },
    signed,
    unsigned,
  };
}

/** @returns Its URL. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const describeStack = (outputs: Readonly<Record<string, string>>): string => {
  const members = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  return `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>Shop</StackName>
<StackId>arn:aws:cloudformation:${REGION}:123456789012:stack/Shop/1</StackId><CreationTime>2026-10-01T00:00:00Z</CreationTime>
<StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
};

const error = (code: string, message: string): string =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`;

/** Whether the account signed the request for a Lambda function in the region (Signature Version 4). */
function isSigned({ method, url = '/', headers }: IncomingMessage, body: Buffer): boolean {
  const [, scope = '', names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/(\S+?), *SignedHeaders=(\S+?), *Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  const [date = '', region = '', service = '', end = ''] = scope.split('/');
  const time = String(headers['x-amz-date']);
  if (
    region !== REGION ||
    service !== 'lambda' ||
    !time.startsWith(date) ||
    !names.split(';').includes('host')
  )
    return false;
  const { pathname, searchParams } = new URL(url, 'http://host');
  const query = [...searchParams]
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort()
    .join('&');
  const canonical = [
    method,
    pathname,
    query,
    ...names.split(';').map((name) => `${name}:${headers[name]}`),
    '',
    names,
    sha256(body),
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [date, region, service, end].reduce<string | Buffer>(hmac, `AWS4${ACCOUNT.secretAccessKey}`);
  return hmac(key, text).toString('hex') === signature;
}

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
