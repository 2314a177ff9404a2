import { Aws, Fn, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { PrivateBucket, type PrivateBucketProps } from './private-bucket.ts';

/** Objects whose creation starts functions, wherever they lie. */
export interface TriggeringObjects {
  readonly bucket: s3.IBucket;
  /** Name and ARN that functions and rights may speak of without waiting for the bucket. */
  readonly nameAhead: string;
  readonly arnAhead: string;
  /** Starts `fn` for each object created whose key has this prefix and suffix. */
  startFor(objects: { readonly prefix: string; readonly suffix: string }, fn: lambda.Function): void;
}

/**
 * A bucket whose new objects start functions that use the bucket themselves.
 *
 * CloudFormation would see a circle: bucket → function (notification) → bucket (name and rights). CDK's way out is a
 * Lambda function of its own that runs during the deployment; ours is a name known before the bucket stands, which
 * functions and rights may speak of without waiting for it.
 */
export class TriggeringBucket extends Construct implements TriggeringObjects {
  /** Waits for the functions it starts: they must use `nameAhead` and `arnAhead`. */
  readonly bucket: s3.Bucket;
  readonly nameAhead: string;
  readonly arnAhead: string;

  private readonly notifications: s3.CfnBucket.LambdaConfigurationProperty[] = [];

  constructor(
    scope: Construct,
    id: string,
    { bucketName, ...props }: PrivateBucketProps & { readonly bucketName: string },
  ) {
    super(scope, id);
    // Part of the stack's own id makes it unique: a bucket that outlived its stack is in nobody's way. The first
    // part, since the last one names the machine that made the id.
    const stackUuid = Fn.select(2, Fn.split('/', Aws.STACK_ID));
    this.nameAhead = Fn.join('-', [bucketName, Fn.select(0, Fn.split('-', stackUuid))]);
    this.arnAhead = Stack.of(this).formatArn({
      service: 's3',
      region: '',
      account: '',
      resource: this.nameAhead,
    });
    this.bucket = new PrivateBucket(this, 'Bucket', { ...props, bucketName: this.nameAhead });
  }

  startFor(
    { prefix, suffix }: { readonly prefix: string; readonly suffix: string },
    fn: lambda.Function,
  ): void {
    const resource = this.bucket.node.defaultChild;
    if (!(resource instanceof s3.CfnBucket)) throw new Error(`${this.node.path} has no bucket`);
    // One right serves every prefix.
    if (fn.node.tryFindChild('RequestsTrigger') === undefined)
      fn.addPermission('RequestsTrigger', {
        principal: new iam.ServicePrincipal('s3.amazonaws.com'),
        sourceArn: this.arnAhead,
        // A bucket's ARN names no account: whoever owned the name after us could start the function.
        sourceAccount: Aws.ACCOUNT_ID,
      });
    this.notifications.push({
      event: 's3:ObjectCreated:*',
      function: fn.functionArn,
      filter: {
        s3Key: {
          rules: [
            { name: 'prefix', value: prefix },
            // A rule for any end would be one with an empty value.
            ...(suffix === '' ? [] : [{ name: 'suffix', value: suffix }]),
          ],
        },
      },
    });
    resource.notificationConfiguration = { lambdaConfigurations: this.notifications };
    // S3 tries whether it may start the function before it accepts the notification.
    resource.node.addDependency(fn.node.findChild('RequestsTrigger'));
  }
}
