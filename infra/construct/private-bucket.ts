import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

export interface PrivateBucketProps {
  /** `DESTROY` empties the bucket first. */
  readonly removalPolicy: RemovalPolicy;
  /** @default - CloudFormation makes one up */
  readonly bucketName?: string;
  /** After how many days objects go. @default - never */
  readonly retention?: Duration;
  /** Which objects go then. @default - all */
  readonly retentionPrefix?: string;
}

/** A bucket that nobody outside the account reaches, and nobody without TLS. No CORS: no web page reaches it. */
export class PrivateBucket extends s3.Bucket {
  constructor(
    scope: Construct,
    id: string,
    { removalPolicy, retention, retentionPrefix, ...props }: PrivateBucketProps,
  ) {
    super(scope, id, {
      ...props,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      encryption: s3.BucketEncryption.S3_MANAGED,
      lifecycleRules: [
        {
          // The parts of an upload that died are billed and shown by no listing of objects.
          abortIncompleteMultipartUploadAfter: Duration.days(1),
          ...(retention && retentionPrefix === undefined && { expiration: retention }),
        },
        ...(retention && retentionPrefix !== undefined
          ? [{ expiration: retention, prefix: retentionPrefix }]
          : []),
      ],
      removalPolicy,
      autoDeleteObjects: removalPolicy === RemovalPolicy.DESTROY,
    });
  }
}
