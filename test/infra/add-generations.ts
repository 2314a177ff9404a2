import { type Environment, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { WiroGenerations } from '../../infra/construct/wiro-generations.ts';
import { WiroCredentials } from '../../infra/wiro-credentials.ts';
import type { WiroGenerationsProps } from '../../infra/wiro-generations-props.ts';
import { toList } from './construct/policies.ts';
import { ALL_CODE, createApp, resourcesOf, toText } from './synthesize.ts';

/** The stack of an app that uses the construct. */
export const createStack = (env?: Environment): Stack =>
  new Stack(createApp(), 'Shop', { ...(env && { env }) });

/** Adds the construct with the properties that every test needs. */
export const addGenerations = (stack: Stack, props: Partial<WiroGenerationsProps> = {}, id = 'Wiro') =>
  new WiroGenerations(stack, id, {
    code: ALL_CODE,
    credentials: WiroCredentials.fromParameters(),
    ...props,
  });

/** The template of a stack that contains only the construct. */
export function templateWith(props: Partial<WiroGenerationsProps> = {}): Template {
  const stack = createStack();
  addGenerations(stack, props);
  return Template.fromStack(stack);
}

/** The rights that `grant` gives to a new role, as `action on resource`. */
export function rightsGivenBy(stack: Stack, grant: (grantee: iam.IGrantable) => void): readonly string[] {
  const role = new iam.Role(stack, 'Caller', { assumedBy: new iam.AccountRootPrincipal() });
  grant(role);
  return rightsOfRole(Template.fromStack(stack), /^Caller/);
}

interface Statement {
  readonly Action: unknown;
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** Every right of the roles whose logical id matches `role`, sorted, as `action on resource`. */
export function rightsOfRole(template: Template, role: RegExp): readonly string[] {
  return resourcesOf(template, 'AWS::IAM::Policy')
    .filter(([, { Properties }]) => toList(Properties.Roles).some((one) => role.test(toText(one).slice(1))))
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement)
    .flatMap(({ Action, Resource, Condition }) =>
      toList(Action).flatMap((action) =>
        toList(Resource).map(
          (resource) =>
            `${action} on ${toText(resource)}${Condition ? ` if ${JSON.stringify(Condition)}` : ''}`,
        ),
      ),
    )
    .sort();
}
