import type { Template } from 'aws-cdk-lib/assertions';
import { FUNCTIONS, type FunctionName } from '../../../functions/functions.ts';
import { LOCAL_ACCOUNT } from '../../../local/aws/lambda-types.ts';
import type { Right } from '../../privilege/needed-rights.ts';
import { resourcesOf, toText } from '../synthesize.ts';
import { idsOf, statementsOf, toList } from './policies.ts';

/**
 * Lists every right of a function's role in the template, with the real names of the resources.
 * @param variables - Environment variables of functions that ran. The template's environment maps each one to a resource.
 */
export function grantedRights(
  template: Template,
  name: FunctionName,
  variables: Readonly<Record<string, string>>,
  region: string,
): readonly Right[] {
  const real = nameResources(template, variables, region);
  return statementsOf(template, name).flatMap(({ Effect, Action, Resource, ...rest }) => {
    const others = Object.keys(rest).filter((key) => key !== 'Sid');
    if (Effect !== 'Allow' || others.length > 0)
      throw new Error(`A statement of ${name} is more than a list of rights: ${[Effect, ...others]}`);
    return toList(Action).flatMap((action) =>
      toList(Resource).map((resource) => ({ action: String(action), resource: real(toText(resource)) })),
    );
  });
}

/** Whether a granted right covers a needed one. `*` matches any text, `?` any character. */
export function covers(granted: Right, needed: Right): boolean {
  const pattern = granted.resource
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return granted.action === needed.action && new RegExp(`^${pattern}$`, 's').test(needed.resource);
}

function nameResources(
  template: Template,
  variables: Readonly<Record<string, string>>,
  region: string,
): (resource: string) => string {
  const names = new Map<string, string>();
  const functions = Object.keys(FUNCTIONS) as FunctionName[];
  for (const [, { Properties }] of resourcesOf(template, 'AWS::Lambda::Function')) {
    const { Variables = {} } = (Properties.Environment ?? {}) as { Variables?: Record<string, unknown> };
    for (const [variable, value] of Object.entries(Variables)) {
      const real = variables[variable];
      if (real !== undefined) names.set(toText(value), real);
    }
  }
  const arns = new Map<string, string>([
    ['<AWS::Partition>', 'aws'],
    ['<AWS::Region>', region],
    ['<AWS::AccountId>', LOCAL_ACCOUNT],
  ]);
  const regional = (service: string, resource: string) =>
    `arn:aws:${service}:${region}:${LOCAL_ACCOUNT}:${resource}`;
  const addArns = (type: string, arnOf: (name: string) => string) => {
    for (const [id] of resourcesOf(template, type)) {
      const name = names.get(`<${id}>`);
      if (name !== undefined) arns.set(`<${id}.Arn>`, arnOf(name));
    }
  };
  addArns('AWS::DynamoDB::Table', (table) => regional('dynamodb', `table/${table}`));
  addArns('AWS::S3::Bucket', (bucket) => `arn:aws:s3:::${bucket}`);
  addArns('AWS::Events::EventBus', (bus) => regional('events', `event-bus/${bus}`));
  addArns('AWS::Lambda::Function', (fn) => regional('lambda', `function:${fn}`));
  for (const [id] of resourcesOf(template, 'AWS::SQS::Queue')) arns.set(`<${id}.Arn>`, `queue ${id}`);
  for (const name of functions) arns.set(`<${logGroupOf(template, name)}.Arn>`, `logs of ${name}`);
  // Replaces the longest first, because one name may be the beginning of another.
  const all = [...arns, ...names].filter(([text]) => text.includes('<') || text.startsWith('/'));
  all.sort(([a], [b]) => b.length - a.length);
  return (resource) => {
    const real = all.reduce((text, [from, to]) => text.replaceAll(from, to), resource);
    if (real.includes('<')) throw new Error(`No environment variable names ${resource}`);
    return real;
  };
}

function logGroupOf(template: Template, name: FunctionName): string {
  const { functionId } = idsOf(template, name);
  const [, resource] = resourcesOf(template, 'AWS::Lambda::Function').find(([id]) => id === functionId) ?? [];
  const { LogGroup } = (resource?.Properties.LoggingConfig ?? {}) as { LogGroup?: unknown };
  return toText(LogGroup).replace(/^<|>$/g, '');
}
