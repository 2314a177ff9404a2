import { Stack } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { LambdaDestination } from 'aws-cdk-lib/aws-s3-notifications';
import type { Construct } from 'constructs';
import type { InputBucketTriggers } from './triggering-bucket.ts';

/**
 * An input bucket that the app brings. Its new objects start functions. The bucket may be imported, so CDK's own
 * function adds the notifications during the deployment and keeps the existing ones.
 */
export class ExistingBucket implements InputBucketTriggers {
  readonly bucket: s3.IBucket;

  constructor(scope: Construct, id: string, bucket: s3.IBucket) {
    const { bucketArn, encryptionKey } = bucket;
    // CDK puts the notifications into the bucket's stack. An import keeps them in ours and avoids a cycle of stacks.
    const isElsewhere = Stack.of(bucket) !== Stack.of(scope);
    this.bucket = isElsewhere
      ? s3.Bucket.fromBucketAttributes(scope, id, { bucketArn, ...(encryptionKey && { encryptionKey }) })
      : bucket;
  }

  get nameForFunctions(): string {
    return this.bucket.bucketName;
  }

  get arnForFunctions(): string {
    return this.bucket.bucketArn;
  }

  startFor(prefix: string, fn: lambda.Function): void {
    this.bucket.addEventNotification(s3.EventType.OBJECT_CREATED, new LambdaDestination(fn), { prefix });
  }
}
