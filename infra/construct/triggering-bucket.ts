import { Aws, Fn, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { PrivateBucket, type PrivateBucketProps } from './private-bucket.ts';

/** An input bucket whose new objects start functions. */
export interface InputBucketTriggers {
  readonly bucket: s3.IBucket;
  /** The name and the ARN without a CloudFormation dependency on the bucket. */
  readonly nameForFunctions: string;
  readonly arnForFunctions: string;
  /** Starts `fn` for each new object whose key has this prefix. */
  startFor(prefix: string, fn: lambda.Function): void;
}

/**
 * A bucket whose new objects start functions that use the same bucket.
 *
 * A direct reference would be a cycle in CloudFormation: bucket → function (notification) → bucket (name and rights).
 * CDK breaks such a cycle with a Lambda function that runs during the deployment. We instead choose the bucket's name
 * ourselves, so that functions and rights can use the name without depending on the bucket.
 */
export class TriggeringBucket extends Construct implements InputBucketTriggers {
  /** Depends on the functions that it starts. They must use `nameForFunctions` and `arnForFunctions` instead. */
  readonly bucket: s3.Bucket;
  readonly nameForFunctions: string;
  readonly arnForFunctions: string;

  private readonly notifications: s3.CfnBucket.LambdaConfigurationProperty[] = [];

  constructor(
    scope: Construct,
    id: string,
    { bucketName, ...props }: PrivateBucketProps & { readonly bucketName: string },
  ) {
    super(scope, id);
    // A part of the stack id makes the name unique, even if a bucket of a deleted stack still exists. We use the first
    // part, because the last one identifies the machine that generated the id.
    const stackUuid = Fn.select(2, Fn.split('/', Aws.STACK_ID));
    this.nameForFunctions = Fn.join('-', [bucketName, Fn.select(0, Fn.split('-', stackUuid))]);
    this.arnForFunctions = Stack.of(this).formatArn({
      service: 's3',
      region: '',
      account: '',
      resource: this.nameForFunctions,
    });
    this.bucket = new PrivateBucket(this, 'Bucket', { ...props, bucketName: this.nameForFunctions });
  }

  startFor(prefix: string, fn: lambda.Function): void {
    const resource = this.bucket.node.defaultChild;
    if (!(resource instanceof s3.CfnBucket)) throw new Error(`${this.node.path} has no bucket`);
    // One permission covers every prefix.
    if (fn.node.tryFindChild('RequestsTrigger') === undefined)
      fn.addPermission('RequestsTrigger', {
        principal: new iam.ServicePrincipal('s3.amazonaws.com'),
        sourceArn: this.arnForFunctions,
        // A bucket's ARN contains no account. Without this, a later owner of the name could start the function.
        sourceAccount: Aws.ACCOUNT_ID,
      });
    this.notifications.push({
      event: 's3:ObjectCreated:*',
      function: fn.functionArn,
      filter: {
        s3Key: {
          rules: [{ name: 'prefix', value: prefix }],
        },
      },
    });
    resource.notificationConfiguration = { lambdaConfigurations: this.notifications };
    // S3 accepts the notification only if it may already invoke the function.
    resource.node.addDependency(fn.node.findChild('RequestsTrigger'));
  }
}
