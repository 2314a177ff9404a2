import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';

/** Rights that S3 requires on a customer managed key to read and write objects. */
export const OBJECT_KEY = ['kms:Decrypt', 'kms:GenerateDataKey'];

/** Rights that DynamoDB requires on a customer managed key to read and write a table. */
export const TABLE_KEY = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];

/** Lets each grantee use `key`, if there is one. Only resources that the app brings have keys. */
export function grantKey(
  key: kms.IKey | undefined,
  actions: readonly string[],
  grantees: readonly iam.IGrantable[],
): void {
  for (const grantee of grantees) key?.grant(grantee, ...actions);
}
