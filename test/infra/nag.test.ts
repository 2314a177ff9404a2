import type { Stack } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, it } from 'vitest';
import { WiroStack } from '../../infra/stack.ts';
import { readStackSettings } from '../../infra/stack-settings.ts';
import { ALL_CODE, createApp } from './synthesize.ts';

interface Explanation {
  /** cdk-nag's name of the finding. */
  readonly finding: RegExp;
  /** The resources that the explanation covers. */
  readonly at: RegExp;
  readonly because: string;
}

/** Findings of cdk-nag's AwsSolutions that we accept, each with the reason for a security review. */
const EXPLAINED: readonly Explanation[] = [
  {
    finding: /^S1$/,
    at: /^WiroServerless\/Wiro\/(Inputs\/Bucket|Outputs)\/Resource$/,
    because:
      'S3 delivers server access logs late and does not guarantee completeness, and the logs need a third bucket. Only the four roles and granted principals can reach these buckets, over TLS. For an audit trail, turn on CloudTrail data events or bring buckets with access logs (`inputBucket`, `outputBucket`).',
  },
  {
    finding: /^SQS3$/,
    at: /\/DeadLetters\/Resource$/,
    because: 'This is the dead-letter queue itself. It has no consumer that could fail.',
  },
  {
    finding: /^IAM5\[Resource::\*\]$/,
    at: /\/(Api|Submit|Callback)\/Role\/DefaultPolicy\/Resource$/,
    because:
      'X-Ray has no resources, so PutTraceSegments and PutTelemetryRecords need `*`. least-privilege.test.ts checks that no other right has it.',
  },
  {
    finding: /^IAM5\[Resource::arn:<AWS::Partition>:s3:::wiroserverless-input-[^/]*\/"?[^/]*\/\*\]$/,
    at: /\/(Api|Submit)\/Role\/DefaultPolicy\/Resource$/,
    because: 'Read-only. A request may name any object in the input bucket as its input.',
  },
  {
    finding: /^IAM5\[Resource::arn:<AWS::Partition>:s3:::wiroserverless-input-.*\/inputs\/temporary\/\*\]$/,
    at: /\/Api\/Role\/DefaultPolicy\/Resource$/,
    because:
      'Objects under one prefix, with random names. `api` signs links to upload them, each for one object of a stated length and type.',
  },
  {
    finding: /^IAM5\[Resource::arn:<AWS::Partition>:s3:::wiroserverless-input-.*\/(results|rejected)\/\*\]$/,
    at: /\/(Submit|Callback|Reconcile)\/Role\/DefaultPolicy\/Resource$/,
    because: 'Objects under one prefix. Each answer has the name of its request file.',
  },
  {
    finding: /^IAM5\[Resource::<WiroOutputs\w+\.Arn>\/large-requests\/\*\]$/,
    at: /\/(Api|Submit|Callback|Reconcile)\/Role\/DefaultPolicy\/Resource$/,
    because: 'Objects under one prefix. Each has the name of its generation.',
  },
  {
    finding: /^IAM5\[Resource::<WiroOutputs\w+\.Arn>\/outputs\/\*(\/result\.(json|html))?\]$/,
    at: /\/(Api|Submit|Callback|Reconcile)\/Role\/DefaultPolicy\/Resource$/,
    because:
      'Objects under one prefix. Each output has the name of its generation. Only `callback` writes outputs, and `api` reads them for the links that it signs; the others only write `result.json` and `result.html`.',
  },
];

/** The findings of AwsSolutions in a stack. */
function findings(stack: Stack): readonly { readonly finding: string; readonly at: string }[] {
  const { violations } = new AwsSolutionsChecks(stack).validateScope(stack);
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath = '' }) => ({
      finding: ruleName.replace(/^AwsSolutions-/, ''),
      at: constructPath,
    })),
  );
}

const isExplained = (found: { readonly finding: string; readonly at: string }) =>
  EXPLAINED.some(({ finding, at }) => finding.test(found.finding) && at.test(found.at));

function createStack(settings: Readonly<Record<string, string>> = {}): WiroStack {
  const app = createApp(settings);
  return new WiroStack(
    app,
    readStackSettings((name) => app.node.tryGetContext(name)),
    ALL_CODE,
  );
}

it('finds nothing unexplained in the default stack', () => {
  expect(findings(createStack()).filter((found) => !isExplained(found))).toEqual([]);
});

it('finds nothing unexplained with every option turned on', () => {
  const stack = createStack({
    presets: JSON.stringify({ portraits: { model: 'wiro/image-to-image', fileParameter: 'inputImage' } }),
    secret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:wiro-AbCdEf',
    observability: 'full',
    retentionDays: '30',
    maximumGenerationsPerDay: '100',
  });

  expect(findings(stack).filter((found) => !isExplained(found))).toEqual([]);
});

it('has no explanation without a finding', () => {
  const found = findings(createStack());

  const stale = EXPLAINED.filter(
    ({ finding, at }) => !found.some((one) => finding.test(one.finding) && at.test(one.at)),
  );
  expect(stale.map(({ finding }) => finding.source)).toEqual([]);
});

it('detects an unexplained finding', () => {
  const stack = createStack();
  new s3.Bucket(stack, 'Open');

  const unexplained = findings(stack).filter((found) => !isExplained(found));

  expect(unexplained).toContainEqual({ finding: 'S10', at: 'WiroServerless/Open/Resource' });
  expect(unexplained).toContainEqual({ finding: 'S1', at: 'WiroServerless/Open/Resource' });
});
