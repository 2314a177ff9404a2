import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FunctionName } from '../../../functions/functions.ts';
import { LOCAL_REGION } from '../../../local/aws/credentials.ts';
import type { Right } from '../../privilege/needed-rights.ts';
import { recordRights } from '../../privilege/record-rights.ts';
import { startSystem } from '../../support/system.ts';
import { synthesize } from '../synthesize.ts';
import { covers, grantedRights } from './granted-rights.ts';

// Repeats the checks of `every-flow.long.test.ts`, which uses SecureStrings, for credentials in Secrets Manager.
const rights = recordRights(LOCAL_REGION);
afterAll(() => rights.stop());
const variables: Record<string, string> = {};
const system = await startSystem({
  credentials: 'secret',
  maximumEnvironments: 1,
  endpointOverrides: (name, environment) => {
    Object.assign(variables, environment);
    return rights.endpointOverrides(name, environment);
  },
});
const secretArn = system.environment.endpoints.secret?.arn ?? '';
const template = synthesize({ secret: secretArn });

beforeAll(async () => {
  const { id } = await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A hill' } });
  await system.ended(id);
});

const isOfCredentials = ({ action }: Right) => /^(ssm|secretsmanager|kms):/.test(action);

it.each<FunctionName>(['api', 'submit', 'callback'])(
  'lets %s read only the secret and the stack’s parameters that it needs',
  (name) => {
    const used = rights.of(name).filter(isOfCredentials);
    const granted = grantedRights(template, name, variables, LOCAL_REGION).filter(isOfCredentials);

    expect(used.filter((needed) => !granted.some((right) => covers(right, needed)))).toEqual([]);
    expect(granted.filter((right) => !used.some((needed) => covers(right, needed)))).toEqual([]);
    expect(
      granted.map(({ action, resource }) => `${action} on ${resource.split(':').at(-1)}`).sort(),
    ).toEqual([
      `secretsmanager:GetSecretValue on ${secretArn.split(':').at(-1)}`,
      ...(name === 'api' ? [] : ['ssm:GetParameters on parameter/wiro/local/callback-base-url']),
      'ssm:GetParameters on parameter/wiro/local/callback-function',
    ]);
  },
);

it('lets reconcile read neither', () => {
  const granted = grantedRights(template, 'reconcile', variables, LOCAL_REGION);

  expect(granted.filter(isOfCredentials)).toEqual([]);
});
