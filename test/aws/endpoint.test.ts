import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SSMClient } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callAws } from '../../functions/aws/call.ts';
import { EndpointError, endpointOf } from '../../functions/aws/endpoint.ts';
import { objectUrl } from '../../functions/objects/object-url.ts';
import { createS3Client } from '../../functions/objects/s3-client.ts';

const REGIONS = [
  ...['us-east-1', 'us-west-2', 'eu-central-1', 'ap-southeast-7', 'mx-central-1', 'il-central-1'],
  ...['cn-north-1', 'cn-northwest-1', 'us-gov-east-1', 'us-gov-west-1', 'eusc-de-east-1'],
  ...['us-iso-east-1', 'us-iso-west-1', 'us-isob-east-1', 'eu-isoe-west-1', 'us-isof-south-1'],
];
const FLAGS = [
  { UseFIPS: false, UseDualStack: false },
  { UseFIPS: true, UseDualStack: false },
  { UseFIPS: false, UseDualStack: true },
  { UseFIPS: true, UseDualStack: true },
];
const BUCKETS = [
  ...['photos', 'photos-of-2026', 'photos.of.2026', 'a.b', '192.168.5.4', 'Photos_1', 'xn--caf-dma'],
  ...['reader-abc123-s3alias', 'b'.repeat(63), 'b'.repeat(64), 'ab', '-ab', 'ab-'],
];
const SSM = { name: 'ssm', endpointVariable: 'SSM' };

type Flags = (typeof FLAGS)[number];
function setFlags({ UseFIPS, UseDualStack }: Flags): void {
  vi.stubEnv('AWS_USE_FIPS_ENDPOINT', String(UseFIPS));
  vi.stubEnv('AWS_USE_DUALSTACK_ENDPOINT', String(UseDualStack));
}
/** Every region with every flag. */
function table(row: (region: string, flags: Flags) => readonly [string, string]) {
  return FLAGS.flatMap((flags) =>
    REGIONS.map((region) => {
      setFlags(flags);
      return { region, ...flags, address: row(region, flags) };
    }),
  );
}
function unlessRefused(find: () => string): string {
  try {
    return find();
  } catch {
    return 'refused';
  }
}
/** That the first of each pair is the second. */
function expectSame(rows: ReturnType<typeof table>): void {
  const of = (index: 0 | 1) => rows.map(({ address, ...row }) => ({ ...row, address: address[index] }));
  expect(of(0)).toEqual(of(1));
}

beforeEach(() => {
  for (const name of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL_SSM'])
    vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

describe("an address is the SDK's in every partition, with FIPS, dual-stack and both:", () => {
  it.each([
    ['dynamodb', new DynamoDBClient({ region: 'us-east-1' })],
    ['ssm', new SSMClient({ region: 'us-east-1' })],
    ['lambda', new LambdaClient({ region: 'us-east-1' })],
    ['events', new EventBridgeClient({ region: 'us-east-1' })],
  ])('that of %s', (name, { config }) => {
    expectSame(
      table((region, flags) => [
        unlessRefused(() => new URL(endpointOf({ name, endpointVariable: 'X' }, region)).href),
        unlessRefused(() => config.endpointProvider({ Region: region, ...flags }).url.href),
      ]),
    );
  });

  it.each(BUCKETS)('that of the bucket %s', (bucket) => {
    const { config } = new S3Client({ region: 'us-east-1' });

    expectSame(
      table((region, flags) => [
        unlessRefused(() => {
          const { origin, host, pathname } = objectUrl({ bucket, key: 'k' }, { region });
          expect(origin).toBe(`https://${host}`);
          return `${origin}${pathname}`;
        }),
        unlessRefused(() => {
          const asked = { Bucket: bucket, Region: region, ...flags, ForcePathStyle: false };
          return `${config.endpointProvider(asked).url.href.replace(/\/$/, '')}/k`;
        }),
      ]),
    );
  });
});

describe('an endpoint of your own', () => {
  it('is that of the service, or else of all, unless they are ignored', () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1');
    const general = endpointOf(SSM, 'eu-west-1');
    vi.stubEnv('AWS_ENDPOINT_URL_SSM', 'http://127.0.0.1:2');
    const own = endpointOf(SSM, 'eu-west-1');
    vi.stubEnv('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'true');

    expect([general, own, endpointOf(SSM, 'eu-west-1')]).toEqual([
      'http://127.0.0.1:1',
      'http://127.0.0.1:2',
      'https://ssm.eu-west-1.amazonaws.com',
    ]);
  });

  it('that is ignored is ignored by the client of S3, too', () => {
    const env = { AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL: 'http://127.0.0.1:1' };
    vi.stubEnv('AWS_ENDPOINT_URL', env.AWS_ENDPOINT_URL);
    vi.stubEnv('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'true');

    const { config } = createS3Client({ env: { ...env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' } });

    expect([config.forcePathStyle, config.endpoint]).toEqual([false, undefined]);
    expect(objectUrl({ bucket: 'photos', key: 'k' }).host).toMatch(/^photos\.s3\./);
  });

  it.each(FLAGS.slice(1))("goes with neither FIPS nor dual-stack, as with the SDK's: %o", (flags) => {
    setFlags(flags);
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1');
    const { config } = new S3Client({ region: 'eu-west-1' });
    const asked = { Bucket: 'photos', Region: 'eu-west-1', Endpoint: 'http://127.0.0.1:1', ...flags };

    expect(() => config.endpointProvider(asked)).toThrow();
    expect(() => objectUrl({ bucket: 'photos', key: 'k' })).toThrow(/^AWS_USE_\w+ does not go with/);
    expect(() => endpointOf(SSM, 'eu-west-1')).toThrow(/AWS_ENDPOINT_URL_SSM names: unset one of them$/);
  });
});

describe('what cannot be meant', () => {
  it('is refused with a sentence', () => {
    vi.stubEnv('AWS_USE_FIPS_ENDPOINT', 'yes');
    expect(() => endpointOf(SSM, 'eu-west-1')).toThrow(
      'AWS_USE_FIPS_ENDPOINT is "yes": set it to "true" or "false"',
    );

    vi.stubEnv('AWS_USE_FIPS_ENDPOINT', 'true');
    expect(() => objectUrl({ bucket: 'photos', key: 'k' }, { region: 'cn-north-1' })).toThrow(
      'S3 has no FIPS endpoint in cn-north-1: unset AWS_USE_FIPS_ENDPOINT',
    );
  });

  it('is no service that cannot be reached', async () => {
    vi.stubEnv('AWS_USE_DUALSTACK_ENDPOINT', '1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');

    await expect(callAws(SSM, { path: '/', headers: {}, body: '{}' })).rejects.toThrow(EndpointError);
  });
});
