import { Arn, ArnFormat, type IResource, Stack, Token, TokenComparison } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { ConfigurationError } from './configuration-error.ts';

/**
 * Refuses a resource in another region or account. S3 and EventBridge only start functions in the same region and
 * account, and the functions call every service in their own region. A region or account that is only known at
 * deployment passes.
 * @param arn - The resource's ARN. For some imported resources only the ARN names the region and account.
 * @param kinds - Which of the two must match the stack's.
 * @throws {ConfigurationError}
 */
export function checkLocation(
  scope: IConstruct,
  name: string,
  { env, node }: IResource,
  arn: string,
  kinds: readonly ('region' | 'account')[] = ['region', 'account'],
): void {
  const parts = Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME);
  for (const kind of kinds)
    for (const theirs of [env[kind], parts[kind]]) {
      const ours = Stack.of(scope)[kind];
      // A bucket's ARN contains neither.
      if (theirs && Token.compareStrings(theirs, ours) === TokenComparison.DIFFERENT)
        throw new ConfigurationError(
          scope,
          `${name} ${node.path} is in the ${kind} ${theirs}, but the stack is in ${ours}: use one in the stack's own ${kind}.`,
        );
    }
}
