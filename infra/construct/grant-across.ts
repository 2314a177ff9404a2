import { createHash } from 'node:crypto';
import { type IResource, Stack, Token, TokenComparison } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { ConfigurationError } from '../checks/configuration-error.ts';

export interface Rights {
  readonly grantee: iam.IGrantable;
  readonly actions: readonly string[];
  readonly resourceArns: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** The bucket, bus or key that the rights are on. Its own policy has to admit principals of other accounts. */
  readonly resource: IResource;
  /** How the resource's own policy names what the rights are on. @default - `resourceArns` */
  readonly resourceSelfArns?: readonly string[];
}

/**
 * Gives rights on the principal's policy, and also on the resource's policy where the principal belongs to another
 * account or has no policy of its own: AWS then asks both.
 * @throws {ConfigurationError} When the resource's policy has to be changed and cannot be, since it is imported.
 */
export function grantAcross(
  scope: IConstruct,
  { grantee, actions, resourceArns, conditions, resource, resourceSelfArns = resourceArns }: Rights,
): iam.Grant {
  const given = { grantee, actions: [...actions], ...(conditions && { conditions }) };
  const onPrincipal = iam.Grant.addToPrincipal({ ...given, resourceArns: [...resourceArns] });
  const accounts = accountsOf(grantee, resource);
  if (onPrincipal.success && accounts === 'same') return onPrincipal;
  const { actions: _, grantee: __, ...conditional } = given;
  const statement = new iam.PolicyStatement({
    ...conditional,
    actions: [...actions],
    resources: [...resourceSelfArns],
    principals: [grantee.grantPrincipal],
    sid: sidOf(scope, grantee, [...actions, ...resourceSelfArns]),
  });
  const onResource = iam.Grant.addStatementToResourcePolicy({
    ...given,
    resourceArns: [...resourceSelfArns],
    statement,
    resource: withPolicy(scope, grantee, resource, !onPrincipal.success || accounts === 'different'),
  });
  return onPrincipal.success ? onPrincipal.combine(onResource) : onResource;
}

/** `unknown`: one of them is only known at deployment, or the principal names no account. */
function accountsOf(
  { grantPrincipal: { principalAccount } }: iam.IGrantable,
  { env }: IResource,
): 'same' | 'different' | 'unknown' {
  if (principalAccount === undefined) return 'unknown';
  const comparison = Token.compareStrings(env.account, principalAccount);
  if (comparison === TokenComparison.DIFFERENT) return 'different';
  return comparison === TokenComparison.ONE_UNRESOLVED ? 'unknown' : 'same';
}

/** A bus takes letters, digits, `-` and `_`. The same for the same rights in every synthesis. */
function sidOf(scope: IConstruct, { grantPrincipal }: iam.IGrantable, rights: readonly string[]): string {
  const whole = Stack.of(scope).resolve([grantPrincipal.policyFragment.principalJson, rights]);
  return `Wiro${createHash('sha256').update(JSON.stringify(whole)).digest('hex').slice(0, 16)}`;
}

/**
 * @param isNeeded - Whether the rights are void unless the resource's policy gives them: CDK lets an imported resource
 *   ignore a statement without a word.
 */
function withPolicy(
  scope: IConstruct,
  { grantPrincipal }: iam.IGrantable,
  resource: IResource,
  isNeeded: boolean,
): iam.IResourceWithPolicyV2 {
  const addToResourcePolicy = (statement: iam.PolicyStatement): iam.AddToResourcePolicyResult => {
    // A bus has one policy resource for each id: the same rights given again change nothing.
    if (resource.node.tryFindChild(`cdk-${statement.sid}`))
      return { statementAdded: true, policyDependable: resource };
    const added = takesStatements(resource) ? resource.addToResourcePolicy(statement) : undefined;
    if (added?.statementAdded || !isNeeded)
      return { statementAdded: added?.statementAdded ?? false, policyDependable: resource };
    throw new ConfigurationError(
      scope,
      `rights on ${resource.node.path} cannot be given to ${grantPrincipal}: it belongs to another account, or has no policy of its own, and ${resource.node.path} is imported, so this app cannot change its policy. Add the statement where it is made, or give the rights to a role of this account.`,
    );
  };
  return { env: resource.env, addToResourcePolicy };
}

const takesStatements = (resource: IResource): resource is IResource & iam.IResourceWithPolicyV2 =>
  'addToResourcePolicy' in resource;
