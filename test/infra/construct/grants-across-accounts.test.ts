import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { describe, expect, it } from 'vitest';
import type { WiroGenerations } from '../../../infra/construct/wiro-generations.ts';
import type { WiroGenerationsProps } from '../../../infra/wiro-generations-props.ts';
import { addGenerations, createStack, rightsOfRole } from '../add-generations.ts';
import { resourcesOf, toText } from '../synthesize.ts';
import { toList } from './policies.ts';

const HOME = { account: '111122223333', region: 'eu-central-1' };
const ROLE = 'arn:aws:iam::999988887777:role/backend';
const ROOT = 'arn:aws:iam::999988887777:root';

/**
 * Lists what resource policies allow a principal, as `action on resource` and conditions. A request from another
 * account needs this in addition to the rights in its own account.
 */
function admitted(template: Template, principal: string): readonly string[] {
  const said = (principals: unknown, action: unknown, resources: unknown, condition: unknown) =>
    toList(principals).map(toText).includes(principal)
      ? toList(action).flatMap((one) =>
          toList(resources).map(
            (resource) =>
              `${one} on ${toText(resource)}${condition ? ` if ${JSON.stringify(condition)}` : ''}`,
          ),
        )
      : [];
  const inStatement = (statement: Record<string, unknown>) =>
    said(
      (statement.Principal as { AWS?: unknown } | undefined)?.AWS,
      statement.Action,
      statement.Resource,
      statement.Condition,
    );
  const inDocuments = (type: string, document: string) =>
    resourcesOf(template, type).flatMap(([, { Properties }]) =>
      (Properties[document] as { Statement: Record<string, unknown>[] }).Statement.flatMap(inStatement),
    );
  return [
    ...inDocuments('AWS::S3::BucketPolicy', 'PolicyDocument'),
    ...inDocuments('AWS::KMS::Key', 'KeyPolicy'),
    ...resourcesOf(template, 'AWS::Events::EventBusPolicy').flatMap(([, { Properties }]) =>
      inStatement(Properties.Statement as Record<string, unknown>),
    ),
    ...resourcesOf(template, 'AWS::Lambda::Permission').flatMap(([, { Properties }]) =>
      said(Properties.Principal, Properties.Action, Properties.FunctionName, undefined),
    ),
  ].sort();
}

const arnOf = (stack: Stack, arn: string) => toText(stack.resolve(arn));

const deployed = (
  props: Partial<WiroGenerationsProps> = {},
): { readonly stack: Stack; readonly wiro: WiroGenerations<s3.IBucket> } => {
  const stack = createStack(HOME);
  return { stack, wiro: addGenerations(stack, props) };
};

describe('rights given to another account', () => {
  it.each([
    ['a role', (stack: Stack) => iam.Role.fromRoleArn(stack, 'Theirs', ROLE), ROLE],
    ['the account', () => new iam.AccountPrincipal('999988887777'), ROOT],
  ] as const)('to submit are in the policy of every resource, for %s', (_, granteeIn, principal) => {
    const { stack, wiro } = deployed();

    wiro.grantSubmit(granteeIn(stack));

    const inputs = arnOf(stack, wiro.inputBucket.bucketArn);
    const api = arnOf(stack, wiro.functions.api.functionArn);
    const bus = arnOf(stack, wiro.eventBus.eventBusArn);
    const all = admitted(Template.fromStack(stack), principal);
    expect(all.filter((right) => !right.startsWith('lambda:'))).toEqual([
      `events:PutEvents on ${bus} if {"StringEquals":{"events:detail-type":"Generation Requested"}}`,
      `s3:PutObject on ${inputs}/inputs/*`,
      `s3:PutObject on ${inputs}/requests/*`,
      `s3:PutObject on ${inputs}/uploads/*`,
    ]);
    const permitted = principal === ROLE ? all : admitted(Template.fromStack(stack), '999988887777');
    expect(permitted.filter((right) => right.startsWith('lambda:'))).toEqual([
      `lambda:InvokeFunction on ${api}`,
      `lambda:InvokeFunctionUrl on ${api}`,
    ]);
  });

  it('to read are in the policies of both buckets and their encryption keys', () => {
    const stack = createStack(HOME);
    const encryptionKey = new kms.Key(stack, 'Key');
    const outputBucket = new s3.Bucket(stack, 'Renders', { encryptionKey });
    const wiro = addGenerations(stack, { outputBucket });

    wiro.grantRead(iam.Role.fromRoleArn(stack, 'Theirs', ROLE));

    const inputs = arnOf(stack, wiro.inputBucket.bucketArn);
    const outputs = arnOf(stack, outputBucket.bucketArn);
    expect(admitted(Template.fromStack(stack), ROLE)).toEqual(
      [
        'kms:Decrypt on *',
        `s3:GetObject on ${inputs}/rejected/*`,
        `s3:GetObject on ${inputs}/results/*`,
        `s3:GetObject on ${outputs}/outputs/*`,
        `s3:ListBucket on ${inputs}`,
        `s3:ListBucket on ${outputs}`,
      ].sort(),
    );
  });

  it('are added to both policies if the app also creates the other account’s role', () => {
    const app = new App();
    const theirs = new Stack(app, 'Theirs', { env: { account: '999988887777', region: 'eu-central-1' } });
    const stack = new Stack(app, 'Shop', { env: HOME });
    const bus = new events.EventBus(stack, 'Bus', { eventBusName: 'shop-bus' });
    const wiro = addGenerations(stack, {
      eventBus: bus,
      inputBucket: new s3.Bucket(stack, 'In', { bucketName: 'shop-in' }),
      outputBucket: new s3.Bucket(stack, 'Out', { bucketName: 'shop-out' }),
    });
    const role = new iam.Role(theirs, 'Reader', {
      roleName: 'reader',
      assumedBy: new iam.AccountRootPrincipal(),
    });

    wiro.grantRead(role);

    const identity = rightsOfRole(Template.fromStack(theirs), /^Reader/);
    const resource = admitted(
      Template.fromStack(stack),
      'arn:<AWS::Partition>:iam::999988887777:role/reader',
    ).map((right) =>
      right.replace(
        /<(In|Out)\w+\.Arn>/,
        (_, name) => `arn:<AWS::Partition>:s3:::shop-${name.toLowerCase()}`,
      ),
    );
    expect(identity).toEqual([
      's3:GetObject on arn:<AWS::Partition>:s3:::shop-in/rejected/*',
      's3:GetObject on arn:<AWS::Partition>:s3:::shop-in/results/*',
      's3:GetObject on arn:<AWS::Partition>:s3:::shop-out/outputs/*',
      's3:ListBucket on arn:<AWS::Partition>:s3:::shop-in',
      's3:ListBucket on arn:<AWS::Partition>:s3:::shop-out',
    ]);
    expect(resource).toEqual(identity);
  });

  it('are added once if granted twice', () => {
    const { stack, wiro } = deployed();
    const role = iam.Role.fromRoleArn(stack, 'Theirs', ROLE);

    wiro.grantSubmit(role);
    wiro.grantSubmit(role);

    Template.fromStack(stack).resourceCountIs('AWS::Events::EventBusPolicy', 1);
  });

  it.each([
    ['grantRead', { outputBucket: (stack: Stack) => s3.Bucket.fromBucketName(stack, 'Out', 'shop-renders') }],
    [
      'grantSubmit',
      { eventBus: (stack: Stack) => events.EventBus.fromEventBusName(stack, 'Bus', 'shop-bus') },
    ],
  ] as const)('are refused by %s if an imported resource would need a policy statement', (method, made) => {
    const stack = createStack(HOME);
    const [[name, make] = ['', () => undefined]] = Object.entries(made);
    const wiro = addGenerations(stack, { [name]: make(stack) });

    expect(() => wiro[method](iam.Role.fromRoleArn(stack, 'Theirs', ROLE))).toThrow(
      /Shop\/Wiro: cannot grant .* access to Shop\/(Out|Bus): .* is imported.*Add the statement in the app that owns/,
    );
  });

  it('need no resource policy for a role of the same account, even on imported resources', () => {
    const stack = createStack(HOME);
    const wiro = addGenerations(stack, {
      outputBucket: s3.Bucket.fromBucketName(stack, 'Out', 'shop-renders'),
    });
    const mine = `arn:aws:iam::${HOME.account}:role/backend`;

    wiro.grantRead(iam.Role.fromRoleArn(stack, 'Mine', mine));

    expect(admitted(Template.fromStack(stack), mine)).toEqual([]);
  });
});
