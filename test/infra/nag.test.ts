import type { Stack } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, it } from 'vitest';
import { WiroStack } from '../../infra/stack.ts';
import { readStackSettings } from '../../infra/stack-settings.ts';
import { ALL_CODE, createApp } from './synthesize.ts';

interface Explanation {
  /** One rule, and what of it: as cdk-nag names its finding. */
  readonly finding: RegExp;
  /** Where; elsewhere it is not explained. */
  readonly at: RegExp;
  readonly because: string;
}

/** Findings of cdk-nag's AwsSolutions that we have looked at, each with what a security review is told. */
const EXPLAINED: readonly Explanation[] = [
  {
    finding: /^S1$/,
    at: /^WiroServerless\/Wiro\/(Inputs\/Bucket|Outputs)\/Resource$/,
    because:
      'Server access logs come late and incompletely, by S3’s own account, and need a third bucket that grows while nothing happens. Only the four roles and whoever is granted it reach these buckets, over TLS. Whoever needs an audit trail turns on CloudTrail’s data events for them, or brings buckets with access logs (`inputBucket`, `outputBucket`).',
  },
  {
    finding: /^SQS3$/,
    at: /\/DeadLetters\/Resource$/,
    because: 'It is the dead-letter queue itself: nothing consumes it that could fail.',
  },
  {
    finding: /^IAM5\[Resource::\*\]$/,
    at: /\/(Api|Submit|Callback)\/Role\/DefaultPolicy\/Resource$/,
    because:
      'X-Ray knows no resources: PutTraceSegments and PutTelemetryRecords can only be given on all. least-privilege.test.ts sees to it that no other right is.',
  },
  {
    finding: /^IAM5\[Resource::arn:<AWS::Partition>:s3:::wiroserverless-input-[^/]*\/"?[^/]*\/\*\]$/,
    at: /\/(Api|Submit)\/Role\/DefaultPolicy\/Resource$/,
    because:
      'Read alone: a request may name any object of the input bucket as its input, that is what the bucket is for.',
  },
  {
    finding: /^IAM5\[Resource::arn:<AWS::Partition>:s3:::wiroserverless-input-.*\/(results|rejected)\/\*\]$/,
    at: /\/(Submit|Callback|Reconcile)\/Role\/DefaultPolicy\/Resource$/,
    because: 'Objects under one prefix: each answer is named after the request file that it answers.',
  },
  {
    finding: /^IAM5\[Resource::<WiroOutputs\w+\.Arn>\/large-requests\/\*\]$/,
    at: /\/(Api|Submit|Callback|Reconcile)\/Role\/DefaultPolicy\/Resource$/,
    because: 'Objects under one prefix: each is named after its generation.',
  },
  {
    finding: /^IAM5\[Resource::<WiroOutputs\w+\.Arn>\/outputs\/\*(\/result\.json)?\]$/,
    at: /\/(Api|Submit|Callback|Reconcile)\/Role\/DefaultPolicy\/Resource$/,
    because:
      'Objects under one prefix: each output is named after its generation. `callback` alone writes them, `api` alone reads them, for the links that it signs; the others write `result.json` and nothing else.',
  },
];

/** What AwsSolutions finds in a stack, as `finding at place`. */
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

it('finds nothing in the default stack that is not explained', () => {
  expect(findings(createStack()).filter((found) => !isExplained(found))).toEqual([]);
});

it('finds no more with everything turned on', () => {
  const stack = createStack({
    presets: JSON.stringify({ portraits: { model: 'wiro/image-to-image', fileParameter: 'inputImage' } }),
    secret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:wiro-AbCdEf',
    observability: 'full',
    retentionDays: '30',
    maximumGenerationsPerDay: '100',
  });

  expect(findings(stack).filter((found) => !isExplained(found))).toEqual([]);
});

it('has no explanation for what is not found any more', () => {
  const found = findings(createStack());

  const stale = EXPLAINED.filter(
    ({ finding, at }) => !found.some((one) => finding.test(one.finding) && at.test(one.at)),
  );
  expect(stale.map(({ finding }) => finding.source)).toEqual([]);
});

it('would find what nobody has explained', () => {
  const stack = createStack();
  new s3.Bucket(stack, 'Open');

  const unexplained = findings(stack).filter((found) => !isExplained(found));

  expect(unexplained).toContainEqual({ finding: 'S10', at: 'WiroServerless/Open/Resource' });
  expect(unexplained).toContainEqual({ finding: 'S1', at: 'WiroServerless/Open/Resource' });
});
