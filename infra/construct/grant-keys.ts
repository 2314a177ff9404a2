import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';

/** What S3 asks of whoever reads and writes objects under a customer managed key. */
export const OBJECT_KEY = ['kms:Decrypt', 'kms:GenerateDataKey'];

/** What DynamoDB asks of whoever reads and writes a table under a customer managed key. */
export const TABLE_KEY = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];

/** Lets each grantee use a key, where there is one: resources of ours have none that would need it. */
export function grantKey(
  key: kms.IKey | undefined,
  actions: readonly string[],
  grantees: readonly iam.IGrantable[],
): void {
  for (const grantee of grantees) key?.grant(grantee, ...actions);
}
