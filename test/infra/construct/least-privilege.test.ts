import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { FUNCTIONS, type FunctionName } from '../../../functions/functions.ts';
import { resourcesOf, synthesize, toText } from '../synthesize.ts';
import { covers, grantedRights } from './granted-rights.ts';
import { idsOf, statementsOf, toList } from './policies.ts';

let template: Template;
beforeAll(() => {
  template = synthesize({ furtherInputBuckets: 'photos-of-ours' });
}, 60_000);

/** Every right of a function, as `action on resource`. */
function rightsOf(name: FunctionName, from = template): readonly string[] {
  return statementsOf(from, name).flatMap(({ Action, Resource }) =>
    toList(Action).flatMap((action) =>
      toList(Resource).map((resource) => `${action} on ${readable(toText(resource), from)}`),
    ),
  );
}

/** Replaces ARNs with short names. */
function readable(resource: string, template: Template): string {
  const names = new Map<string, string>();
  for (const [id, { Properties }] of resourcesOf(template, 'AWS::S3::Bucket')) {
    if (Properties.NotificationConfiguration)
      names.set(`arn:<AWS::Partition>:s3:::${toText(Properties.BucketName)}`, 'input');
    else names.set(`<${id}.Arn>`, 'output');
  }
  for (const [id] of resourcesOf(template, 'AWS::DynamoDB::Table')) names.set(`<${id}.Arn>`, 'table');
  for (const [id] of resourcesOf(template, 'AWS::Events::EventBus')) names.set(`<${id}.Arn>`, 'bus');
  for (const [id] of resourcesOf(template, 'AWS::Logs::LogGroup')) names.set(`<${id}.Arn>`, 'logs');
  for (const name of Object.keys(FUNCTIONS) as FunctionName[])
    names.set(`<${idsOf(template, name).functionId}.Arn>`, name);
  names.set('arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter', 'parameter');
  names.set('arn:<AWS::Partition>:s3:::photos-of-ours', 'further');
  return [...names].reduce((text, [arn, name]) => text.replace(arn, name), resource);
}

describe('the role of each function', () => {
  it('is its own, and only Lambda may assume it', () => {
    const roles = (Object.keys(FUNCTIONS) as FunctionName[]).map((name) => idsOf(template, name).roleId);

    expect(new Set(roles).size).toBe(4);
    template.resourceCountIs('AWS::IAM::Role', 4);
    template.allResourcesProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } },
        ],
      },
    });
  });

  it('has no managed policy, because AWS’s policy for logs covers every log group', () => {
    for (const [id, { Properties }] of resourcesOf(template, 'AWS::IAM::Role'))
      expect(Properties, id).not.toHaveProperty('ManagedPolicyArns');
  });

  it.each(Object.keys(FUNCTIONS) as FunctionName[])(
    'of %s lists every action, and has no right on every resource',
    (name) => {
      const rights = rightsOf(name);

      expect(rights.length).toBeGreaterThan(5);
      const wild = rights.filter((right) => /\*.* on /.test(right) || / on \*$/.test(right));
      // X-Ray has no resources.
      expect(wild.filter((right) => !/^xray:Put(TraceSegments|TelemetryRecords) on \*$/.test(right))).toEqual(
        [],
      );
      expect(
        rights.filter((right) => /dynamodb:(Scan|DeleteTable|Batch\w*Write)|s3:Delete/.test(right)),
        // `submit` deletes the rejection of a request file's earlier version.
      ).toEqual(name === 'submit' ? ['s3:DeleteObject on input/rejected/*'] : []);
    },
  );

  it('lets each function write only where it must', () => {
    const writes = (name: FunctionName) =>
      rightsOf(name)
        .filter((right) => right.startsWith('s3:Put'))
        .toSorted();

    expect(writes('api')).toEqual([
      's3:PutObject on input/inputs/temporary/*',
      's3:PutObject on output/large-requests/*',
    ]);
    expect(writes('submit')).toEqual([
      's3:PutObject on input/rejected/*',
      's3:PutObject on input/results/*',
      's3:PutObject on output/large-requests/*',
      's3:PutObject on output/outputs/*/result.html',
      's3:PutObject on output/outputs/*/result.json',
    ]);
    expect(writes('callback')).toEqual([
      's3:PutObject on input/results/*',
      's3:PutObject on output/outputs/*',
    ]);
    expect(writes('reconcile')).toEqual([
      's3:PutObject on input/results/*',
      's3:PutObject on output/outputs/*/result.html',
      's3:PutObject on output/outputs/*/result.json',
    ]);
  });

  it('lets submit read and remove rejections, even if inputPrefixes restricts inputs', () => {
    const closed = synthesize({ inputPrefixes: 'photos/' });
    const onRejections = rightsOf('submit', closed).filter((right) => right.endsWith(' on input/rejected/*'));

    expect(onRejections.toSorted()).toEqual([
      's3:DeleteObject on input/rejected/*',
      's3:GetObject on input/rejected/*',
      's3:PutObject on input/rejected/*',
    ]);
  });

  it('lets no function write under a prefix that starts one', () => {
    for (const name of Object.keys(FUNCTIONS) as FunctionName[])
      expect(rightsOf(name).filter((right) => /s3:Put.* on input\/(requests|\*)/.test(right))).toEqual([]);
  });

  it('lets submit read inputs from the further buckets, and tell missing inputs from forbidden ones', () => {
    expect(rightsOf('submit')).toEqual(
      expect.arrayContaining([
        's3:GetObject on input/*',
        's3:GetObject on further/*',
        's3:GetObjectVersion on input/*',
        's3:GetObjectVersion on further/*',
        's3:ListBucket on input',
        's3:ListBucket on further',
      ]),
    );
  });

  it('lets two functions read all six parameters, and `api` none of the callback secrets', () => {
    const parameters = (name: FunctionName) => rightsOf(name).filter((right) => right.startsWith('ssm:'));

    expect(parameters('callback')).toEqual([
      'ssm:GetParameters on parameter/wiro/WiroServerless/api-key',
      'ssm:GetParameters on parameter/wiro/WiroServerless/api-secret',
      'ssm:GetParameters on parameter/wiro/WiroServerless/callback-base-url',
      'ssm:GetParameters on parameter/wiro/WiroServerless/callback-function',
      'ssm:GetParameters on parameter/wiro/WiroServerless/callback-secret',
      'ssm:GetParameters on parameter/wiro/WiroServerless/previous-callback-secret',
    ]);
    expect(parameters('submit')).toEqual(parameters('callback'));
    expect(parameters('api')).toEqual([
      'ssm:GetParameters on parameter/wiro/WiroServerless/api-key',
      'ssm:GetParameters on parameter/wiro/WiroServerless/api-secret',
      'ssm:GetParameters on parameter/wiro/WiroServerless/callback-function',
    ]);
    expect(parameters('reconcile')).toEqual([]);
  });

  it('lets each function invoke those that it hands work to', () => {
    const starts = (name: FunctionName) =>
      rightsOf(name)
        .filter((right) => right.startsWith('lambda:'))
        .toSorted();

    for (const name of Object.keys(FUNCTIONS) as FunctionName[])
      expect(starts(name)).toEqual(['lambda:InvokeFunction on callback', 'lambda:InvokeFunction on submit']);
  });

  it.each([
    ['query what is due', 'dynamodb:Query on table/index/due', 'reconcile'],
    ['query the history', 'dynamodb:Query on table/index/history', 'api'],
    ['read several items at once', 'dynamodb:BatchGetItem on table', 'api'],
  ])('lets one function alone %s', (_what, right, only) => {
    const allowed = (Object.keys(FUNCTIONS) as FunctionName[]).filter((name) =>
      rightsOf(name).includes(right),
    );

    expect(allowed).toEqual([only]);
  });
});

describe('a granted right', () => {
  const needed = { action: 's3:PutObject', resource: 'arn:aws:s3:::b/outputs/a/1/0-x.png' };
  const granted = (resource: string, action = needed.action) => covers({ action, resource }, needed);

  it('covers a call with the same action on the same resource, or on a pattern of it', () => {
    expect(granted('arn:aws:s3:::b/outputs/a/1/0-x.png')).toBe(true);
    expect(granted('arn:aws:s3:::b/outputs/*')).toBe(true);
    expect(granted('arn:aws:s3:::b/outputs/?/1/0-x.png')).toBe(true);

    expect(granted('arn:aws:s3:::b/outputs/*', 's3:GetObject')).toBe(false);
    expect(granted('arn:aws:s3:::b/outputs/*/result.json')).toBe(false);
    expect(granted('arn:aws:s3:::b/outputs/a')).toBe(false);
    expect(granted('arn:aws:s3:::b/outputs/a/1/0-x?png')).toBe(true);
    expect(granted('arn:aws:s3:::c/*')).toBe(false);
    expect(granted('arn:aws:s3:::b/outputs/a/1/0-xXpng')).toBe(false);
  });

  it('cannot be toList if the real name of its resource is unknown', () => {
    for (const name of Object.keys(FUNCTIONS) as FunctionName[])
      expect(() => grantedRights(template, name, {}, 'us-east-1')).toThrow(/No environment variable names/);
  });
});
