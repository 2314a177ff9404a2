import { Stack } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { LambdaDestination } from 'aws-cdk-lib/aws-s3-notifications';
import type { Construct } from 'constructs';
import type { TriggeringObjects } from './triggering-bucket.ts';

/**
 * Starts functions for new objects of a bucket that somebody else made. Its notifications cannot be written where it
 * is made, so CDK's own function adds them during the deployment, beside whatever is there already.
 */
export class BroughtBucket implements TriggeringObjects {
  readonly bucket: s3.IBucket;

  constructor(scope: Construct, id: string, bucket: s3.IBucket) {
    const { bucketArn, encryptionKey } = bucket;
    // CDK puts notifications into the bucket's own stack, which would then need ours, which needs it.
    const isElsewhere = Stack.of(bucket) !== Stack.of(scope);
    this.bucket = isElsewhere
      ? s3.Bucket.fromBucketAttributes(scope, id, { bucketArn, ...(encryptionKey && { encryptionKey }) })
      : bucket;
  }

  get nameAhead(): string {
    return this.bucket.bucketName;
  }

  get arnAhead(): string {
    return this.bucket.bucketArn;
  }

  startFor(
    { prefix, suffix }: { readonly prefix: string; readonly suffix: string },
    fn: lambda.Function,
  ): void {
    const filter = { prefix, ...(suffix !== '' && { suffix }) };
    this.bucket.addEventNotification(s3.EventType.OBJECT_CREATED, new LambdaDestination(fn), filter);
  }
}
