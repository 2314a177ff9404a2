import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

export interface PrivateBucketProps {
  /** `DESTROY` empties the bucket first. */
  readonly removalPolicy: RemovalPolicy;
  /** @default - CloudFormation makes one up */
  readonly bucketName?: string;
}

/** A bucket that nobody outside the account reaches, and nobody without TLS. */
export class PrivateBucket extends s3.Bucket {
  constructor(scope: Construct, id: string, { removalPolicy, ...props }: PrivateBucketProps) {
    super(scope, id, {
      ...props,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      encryption: s3.BucketEncryption.S3_MANAGED,
      // The parts of an upload that died are billed and shown by no listing of objects.
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(1) }],
      removalPolicy,
      autoDeleteObjects: removalPolicy === RemovalPolicy.DESTROY,
    });
  }
}
