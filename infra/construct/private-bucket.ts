import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

export interface PrivateBucketProps {
  /** `DESTROY` empties the bucket first. */
  readonly removalPolicy: RemovalPolicy;
  /** @default - CloudFormation generates a name */
  readonly bucketName?: string;
  /** Objects expire after this time. @default - never */
  readonly retention?: Duration;
  /** Only objects under this prefix expire. @default - all objects */
  readonly retentionPrefix?: string;
  /** Objects under a prefix that expire sooner. @default - none */
  readonly temporary?: { readonly prefix: string; readonly retention: Duration };
  /** Origins of web pages that may upload to presigned links. @default - none */
  readonly uploadOrigins?: readonly string[];
}

/** A bucket without public access that requires TLS. Web pages cannot access it, except from `uploadOrigins`. */
export class PrivateBucket extends s3.Bucket {
  constructor(
    scope: Construct,
    id: string,
    {
      removalPolicy,
      retention,
      retentionPrefix,
      temporary,
      uploadOrigins = [],
      ...props
    }: PrivateBucketProps,
  ) {
    super(scope, id, {
      ...props,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      encryption: s3.BucketEncryption.S3_MANAGED,
      lifecycleRules: [
        {
          // The parts of an abandoned upload are billed, and object listings do not show them.
          abortIncompleteMultipartUploadAfter: Duration.days(1),
          ...(retention && retentionPrefix === undefined && { expiration: retention }),
        },
        ...(retention && retentionPrefix !== undefined
          ? [{ expiration: retention, prefix: retentionPrefix }]
          : []),
        ...(temporary ? [{ expiration: temporary.retention, prefix: temporary.prefix }] : []),
      ],
      ...(uploadOrigins.length > 0 && {
        cors: [
          {
            allowedOrigins: [...uploadOrigins],
            allowedMethods: [s3.HttpMethods.PUT],
            allowedHeaders: ['content-type'],
            maxAge: Duration.hours(1).toSeconds(),
          },
        ],
      }),
      removalPolicy,
      autoDeleteObjects: removalPolicy === RemovalPolicy.DESTROY,
    });
  }
}
