import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll } from 'vitest';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/**
 * Stands before an API as a Function URL with AWS_IAM does: only what is signed with these keys, for Lambda in this
 * region, gets through.
 */
export async function startSignedApi(target: string, region: string, keys: Keys) {
  let passed = 0;
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const problem = problemOf(request, body, region, keys);
    if (problem !== undefined) return response.writeHead(403).end(JSON.stringify({ message: problem }));
    passed += 1;
    const { method = '', url = '', headers } = request;
    const answer = await fetch(target + url, {
      method,
      headers: { 'content-type': headers['content-type'] ?? '' },
      ...(body.length > 0 && { body }),
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** How many requests were signed rightly. */
    passed: () => passed,
  };
}

const hash = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function problemOf(request: IncomingMessage, body: Buffer, region: string, keys: Keys): string | undefined {
  const { headers, method = '', url = '' } = request;
  const [, credential = '', signed = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  if (signature === undefined) return 'Missing Authentication Token';
  const date = String(headers['x-amz-date']);
  const scope = `${date.slice(0, 8)}/${region}/lambda/aws4_request`;
  if (credential !== `${keys.accessKeyId}/${scope}`) return `The credential is ${credential}`;
  if (headers['x-amz-security-token'] !== keys.sessionToken) return 'The security token is not valid';
  const names = signed.split(';');
  for (const name of ['host', 'x-amz-date', 'x-amz-security-token'])
    if (!names.includes(name)) return `${name} is not signed`;
  const [path = '', query = ''] = url.split('?');
  const canonical = [
    method,
    path,
    query,
    ...names.map((name) => `${name}:${textOf(headers, name)}`),
    '',
    signed,
    hash(body),
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', date, scope, hash(canonical)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${keys.secretAccessKey}`);
  const expected = hmac(key, toSign).toString('hex');
  return signature === expected ? undefined : 'The signature does not match';
}

const textOf = (headers: IncomingHttpHeaders, name: string): string =>
  String(headers[name] ?? '')
    .trim()
    .replace(/ +/g, ' ');
