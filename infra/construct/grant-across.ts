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
  /** The bucket, bus or key. Its resource policy must also allow principals from other accounts. */
  readonly resource: IResource;
  /** The resources in the resource policy's statement. @default - `resourceArns` */
  readonly resourceSelfArns?: readonly string[];
}

/**
 * Adds rights to the principal's policy. If the principal belongs to another account, or has no policy that CDK can
 * change, also adds them to the resource policy. Across accounts, AWS checks both policies.
 * @throws {ConfigurationError} If the rights need the resource policy, and the resource is imported.
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

/** @returns `unknown` if an account is only known at deployment or the principal has none. */
function accountsOf(
  { grantPrincipal: { principalAccount } }: iam.IGrantable,
  { env }: IResource,
): 'same' | 'different' | 'unknown' {
  if (principalAccount === undefined) return 'unknown';
  const comparison = Token.compareStrings(env.account, principalAccount);
  if (comparison === TokenComparison.DIFFERENT) return 'different';
  return comparison === TokenComparison.ONE_UNRESOLVED ? 'unknown' : 'same';
}

/**
 * Derives a statement id from the rights, so that every synthesis yields the same id. EventBridge allows only letters,
 * digits, `-` and `_`.
 */
function sidOf(scope: IConstruct, { grantPrincipal }: iam.IGrantable, rights: readonly string[]): string {
  const whole = Stack.of(scope).resolve([grantPrincipal.policyFragment.principalJson, rights]);
  return `Wiro${createHash('sha256').update(JSON.stringify(whole)).digest('hex').slice(0, 16)}`;
}

/**
 * Wraps `resource`. A policy statement that it cannot accept becomes an error, which CDK would silently ignore for an
 * imported resource.
 * @param isNeeded - Whether the rights have no effect without the resource policy's statement.
 */
function withPolicy(
  scope: IConstruct,
  { grantPrincipal }: iam.IGrantable,
  resource: IResource,
  isNeeded: boolean,
): iam.IResourceWithPolicyV2 {
  const addToResourcePolicy = (statement: iam.PolicyStatement): iam.AddToResourcePolicyResult => {
    // A bus has one policy resource per statement id. Granting the same rights twice is not an error.
    if (resource.node.tryFindChild(`cdk-${statement.sid}`))
      return { statementAdded: true, policyDependable: resource };
    const added = takesStatements(resource) ? resource.addToResourcePolicy(statement) : undefined;
    if (added?.statementAdded || !isNeeded)
      return { statementAdded: added?.statementAdded ?? false, policyDependable: resource };
    throw new ConfigurationError(
      scope,
      `cannot grant ${grantPrincipal} access to ${resource.node.path}: the principal belongs to another account or has no policy of its own, and ${resource.node.path} is imported, so this app cannot change its resource policy. Add the statement in the app that owns the resource, or grant a role in this account.`,
    );
  };
  return { env: resource.env, addToResourcePolicy };
}

const takesStatements = (resource: IResource): resource is IResource & iam.IResourceWithPolicyV2 =>
  'addToResourcePolicy' in resource;
