import { Arn, ArnFormat, type IResource, Stack, Token, TokenComparison } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { ConfigurationError } from './configuration-error.ts';

/**
 * Refuses a resource of another region or account: S3 and EventBridge start functions beside them alone, and the
 * functions look for everything in their own region. What is only known at deployment passes.
 * @param arn - Says more than `resource` for some that are imported.
 * @param kinds - What must be the same.
 * @throws {ConfigurationError}
 */
export function checkPlace(
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
      // A bucket's ARN has neither.
      if (theirs && Token.compareStrings(theirs, ours) === TokenComparison.DIFFERENT)
        throw new ConfigurationError(
          scope,
          `${name} ${node.path} is in the ${kind} ${theirs}, the stack in ${ours}: give one of the stack's own ${kind}.`,
        );
    }
}
