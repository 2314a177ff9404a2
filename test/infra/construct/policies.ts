import type { Template } from 'aws-cdk-lib/assertions';
import { FUNCTIONS, type FunctionName } from '../../../functions/functions.ts';
import { resourcesOf, toText } from '../synthesize.ts';

/** One policy statement in the template. */
export interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

export const toList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

/** Finds the logical ids of a function and its role. */
export function idsOf(
  template: Template,
  name: FunctionName,
): { readonly functionId: string; readonly roleId: string } {
  const [functionId = '', resource] =
    resourcesOf(template, 'AWS::Lambda::Function').find(([, { Properties }]) =>
      String(Properties.Description).startsWith(FUNCTIONS[name].description),
    ) ?? [];
  const roleId = toText(resource?.Properties.Role).replace(/^<|\.Arn>$/g, '');
  return { functionId, roleId };
}

/** Lists all policy statements of a function's role. */
export function statementsOf(template: Template, name: FunctionName): readonly Statement[] {
  const role = `<${idsOf(template, name).roleId}>`;
  return resourcesOf(template, 'AWS::IAM::Policy')
    .filter(([, { Properties }]) => toList(Properties.Roles).map(toText).includes(role))
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement);
}
