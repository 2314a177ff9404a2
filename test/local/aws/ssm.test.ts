import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  DeleteParameterCommand,
  DeleteParametersCommand,
  GetParameterCommand,
  GetParametersByPathCommand,
  GetParametersCommand,
  ParameterAlreadyExists,
  ParameterNotFound,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { afterEach, expect, it } from 'vitest';
import { LOCAL_CREDENTIALS } from '../../../local/aws/credentials.ts';
import { type SsmOptions, startSsm } from '../../../local/aws/ssm.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function clientOf(options: Partial<SsmOptions> = {}, credentials = LOCAL_CREDENTIALS) {
  const ssm = await startSsm({ region: 'us-east-1', ...options });
  const client = new SSMClient({
    endpoint: ssm.endpoint,
    region: 'us-east-1',
    credentials: { ...credentials },
    maxAttempts: 1,
  });
  const stop = async () => {
    client.destroy();
    await ssm.stop();
  };
  cleanups.push(() => stop().catch(() => {}));
  return { client, stop, endpoint: ssm.endpoint };
}

it('returns a stored parameter with its type and version', async () => {
  const { client } = await clientOf();

  await client.send(new PutParameterCommand({ Name: '/wiro/a/url', Value: 'http://x', Type: 'String' }));
  const { Parameter } = await client.send(new GetParameterCommand({ Name: '/wiro/a/url' }));

  expect(Parameter).toMatchObject({
    Name: '/wiro/a/url',
    Value: 'http://x',
    Type: 'String',
    Version: 1,
    ARN: 'arn:aws:ssm:us-east-1:000000000000:parameter/wiro/a/url',
  });
  expect(Parameter?.LastModifiedDate).toBeInstanceOf(Date);
});

it('returns a SecureString’s value only with decryption', async () => {
  const { client } = await clientOf();
  const Name = '/wiro/a/api-key';
  await client.send(new PutParameterCommand({ Name, Value: 'sesame', Type: 'SecureString' }));

  const closed = await client.send(new GetParameterCommand({ Name }));
  const open = await client.send(new GetParameterCommand({ Name, WithDecryption: true }));

  expect(closed.Parameter?.Value).not.toContain('sesame');
  expect(open.Parameter).toMatchObject({ Type: 'SecureString', Value: 'sesame' });
});

it('returns several at once and lists unknown names', async () => {
  const { client } = await clientOf();
  await client.send(new PutParameterCommand({ Name: '/w/a', Value: '1', Type: 'String' }));

  const answer = await client.send(new GetParametersCommand({ Names: ['/w/a', '/w/b'] }));

  expect(answer.Parameters?.map(({ Name }) => Name)).toEqual(['/w/a']);
  expect(answer.InvalidParameters).toEqual(['/w/b']);
});

it('refuses to read more than ten at once', async () => {
  const { client } = await clientOf();
  const Names = Array.from({ length: 11 }, (_, index) => `/w/${index}`);

  await expect(client.send(new GetParametersCommand({ Names }))).rejects.toThrow(/between 1 and 10/);
});

it('replaces only with Overwrite, and counts versions', async () => {
  const { client } = await clientOf();
  const put = { Name: '/w/a', Value: '1', Type: 'String' } as const;
  await client.send(new PutParameterCommand(put));

  await expect(client.send(new PutParameterCommand(put))).rejects.toBeInstanceOf(ParameterAlreadyExists);
  const second = await client.send(new PutParameterCommand({ Name: '/w/a', Value: '2', Overwrite: true }));

  expect(second.Version).toBe(2);
  const { Parameter } = await client.send(new GetParameterCommand({ Name: '/w/a' }));
  expect(Parameter).toMatchObject({ Value: '2', Type: 'String' });
});

it.each([
  ['an empty value', { Name: '/w/a', Value: '', Type: 'String' as const }],
  ['no type for a new one', { Name: '/w/a', Value: '1' }],
  ['a value over 4 KB', { Name: '/w/a', Value: 'x'.repeat(4097), Type: 'String' as const }],
  ['a name with a space', { Name: '/w/a b', Value: '1', Type: 'String' as const }],
])('refuses %s', async (_, parameter) => {
  const { client } = await clientOf();

  await expect(client.send(new PutParameterCommand(parameter))).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

it('lists parameters under a path, in pages, and deeper levels only with Recursive', async () => {
  const { client } = await clientOf();
  for (const Name of ['/w/c', '/w/a', '/w/b', '/w/b/deep', '/wx'])
    await client.send(new PutParameterCommand({ Name, Value: '1', Type: 'String' }));

  const first = await client.send(new GetParametersByPathCommand({ Path: '/w', MaxResults: 2 }));
  const rest = await client.send(
    new GetParametersByPathCommand({ Path: '/w', MaxResults: 2, NextToken: first.NextToken }),
  );
  const deep = await client.send(new GetParametersByPathCommand({ Path: '/w/', Recursive: true }));

  const names = (answer: typeof deep) => answer.Parameters?.map(({ Name }) => Name);
  expect([names(first), names(rest)]).toEqual([['/w/a', '/w/b'], ['/w/c']]);
  expect(rest.NextToken).toBeUndefined();
  expect(names(deep)).toEqual(['/w/a', '/w/b', '/w/b/deep', '/w/c']);
});

it('deletes', async () => {
  const { client } = await clientOf();
  for (const Name of ['/w/a', '/w/b'])
    await client.send(new PutParameterCommand({ Name, Value: '1', Type: 'String' }));

  await client.send(new DeleteParameterCommand({ Name: '/w/a' }));
  const several = await client.send(new DeleteParametersCommand({ Names: ['/w/a', '/w/b'] }));

  expect(several).toMatchObject({ DeletedParameters: ['/w/b'], InvalidParameters: ['/w/a'] });
  await expect(client.send(new DeleteParameterCommand({ Name: '/w/a' }))).rejects.toBeInstanceOf(
    ParameterNotFound,
  );
  await expect(client.send(new GetParameterCommand({ Name: '/w/a' }))).rejects.toBeInstanceOf(
    ParameterNotFound,
  );
});

it('keeps parameters across a restart, in a file that only this user can read', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'ssm-'));
  cleanups.push(() => rm(directory, { recursive: true }));
  const file = path.join(directory, 'new', 'parameters.json');
  const before = await clientOf({ file });
  await before.client.send(new PutParameterCommand({ Name: '/w/a', Value: 'kept', Type: 'SecureString' }));
  await before.stop();

  const after = await clientOf({ file });
  const { Parameter } = await after.client.send(
    new GetParameterCommand({ Name: '/w/a', WithDecryption: true }),
  );

  expect(Parameter?.Value).toBe('kept');
  expect((await stat(file)).mode & 0o077).toBe(0);
  expect(JSON.parse(await readFile(file, 'utf8'))).toHaveProperty('/w/a');
});

it('refuses requests without a signature or signed with other keys', async () => {
  const { endpoint } = await clientOf();
  const strange = await clientOf({}, { accessKeyId: 'other', secretAccessKey: 'x' } as never);

  const unsigned = await fetch(endpoint, {
    method: 'POST',
    headers: { 'x-amz-target': 'AmazonSSM.GetParameters' },
    body: '{"Names":["/w/a"]}',
  });

  expect(unsigned.status).toBe(403);
  expect(await unsigned.json()).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
  await expect(strange.client.send(new GetParameterCommand({ Name: '/w/a' }))).rejects.toMatchObject({
    name: 'UnrecognizedClientException',
  });
});

it.each([
  ['Description', { Description: 'a key' }],
  ['Tags', { Tags: [{ Key: 'a', Value: 'b' }] }],
  ['KeyId', { KeyId: 'alias/mine' }],
  ['Tier', { Tier: 'Advanced' as const }],
])('refuses %s, which it would drop, and stores nothing', async (name, more) => {
  const { client } = await clientOf();

  const put = client.send(
    new PutParameterCommand({ Name: '/a/b', Value: 'x', Type: 'SecureString', ...more }),
  );

  await expect(put).rejects.toMatchObject({
    name: 'NotImplemented',
    message: expect.stringContaining(name) as string,
    $metadata: { httpStatusCode: 501, requestId: expect.any(String) as string },
  });
  await expect(client.send(new GetParameterCommand({ Name: '/a/b' }))).rejects.toThrow(ParameterNotFound);
});
