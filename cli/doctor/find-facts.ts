import type { StackResourceSummary } from '@aws-sdk/client-cloudformation';
import { ENV, releaseIn } from '../../functions/settings.ts';
import type { StackDeployment } from '../deployment.ts';
import type { CallAws } from './calls.ts';

/** What the stack says about itself. */
export interface StackFacts {
  readonly status: string;
  readonly alarms: readonly string[];
  /** Of the function that serves the API; absent if the stack has none. */
  readonly deployment?: DeploymentFacts;
}

export interface DeploymentFacts {
  readonly name: string;
  /** When its code or settings changed last. */
  readonly changedAt: string;
  /** Absent if an earlier release deployed it, which named none. */
  readonly release?: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** A stack's status and resources. */
export interface ListedStack {
  readonly status: string;
  readonly resources: readonly Pick<StackResourceSummary, 'ResourceType' | 'PhysicalResourceId'>[];
}

/** Lists the stack's resources with the SDK's client, which the search for the stack has loaded already. */
export async function listStack(
  { stack, region, credentials }: StackDeployment,
  abortSignal: AbortSignal,
): Promise<ListedStack> {
  const { CloudFormationClient, DescribeStacksCommand, paginateListStackResources } = await import(
    '@aws-sdk/client-cloudformation'
  );
  const client = new CloudFormationClient({
    region,
    credentials: async () => {
      const { accessKeyId, secretAccessKey, sessionToken } = await credentials();
      return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
    },
  });
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stack }), {
      abortSignal,
    });
    const resources: StackResourceSummary[] = [];
    for await (const page of paginateListStackResources({ client }, { StackName: stack })) {
      abortSignal.throwIfAborted();
      resources.push(...(page.StackResourceSummaries ?? []));
    }
    return { status: Stacks[0]?.StackStatus ?? '', resources };
  } finally {
    client.destroy();
  }
}

interface Configuration {
  readonly LastModified?: string;
  readonly Description?: string;
  readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> };
}

/** Reads the settings of the function behind `apiUrl`. */
export async function findFacts(
  aws: CallAws,
  { status, resources }: ListedStack,
  apiUrl: string,
  signal: AbortSignal,
): Promise<StackFacts> {
  const idsOf = (type: string) =>
    resources.flatMap((one) =>
      one.ResourceType === type && one.PhysicalResourceId ? [one.PhysicalResourceId] : [],
    );
  const functions = await Promise.all(
    idsOf('AWS::Lambda::Function').map(async (name) => {
      const text = await aws(
        {
          service: 'lambda',
          action: 'lambda:GetFunctionConfiguration',
          method: 'GET',
          path: `/2015-03-31/functions/${encodeURIComponent(name)}/configuration`,
        },
        signal,
      );
      const { LastModified = '', Description = '', Environment } = JSON.parse(text) as Configuration;
      const release = releaseIn(Description);
      const environment = Environment?.Variables ?? {};
      return { name, changedAt: LastModified, environment, ...(release !== undefined && { release }) };
    }),
  );
  // Only the API's function is told the socket.
  const apis = functions.filter(
    ({ environment }) =>
      environment[ENV.wiroSocketUrl] !== undefined && environment[ENV.parameterPath] !== undefined,
  );
  const api = apis.length < 2 ? apis[0] : await firstWithUrl(aws, apis, apiUrl, signal);
  return {
    status,
    alarms: [...idsOf('AWS::CloudWatch::Alarm'), ...idsOf('AWS::CloudWatch::CompositeAlarm')].map(
      // The physical id of a composite alarm is its ARN.
      (id) => id.replace(/^arn:.*:alarm:/, ''),
    ),
    ...(api && { deployment: { ...api, name: api.environment[ENV.deployment] ?? '' } }),
  };
}

async function firstWithUrl<Api extends { readonly name: string }>(
  aws: CallAws,
  apis: readonly Api[],
  url: string,
  signal: AbortSignal,
): Promise<Api | undefined> {
  const urls = await Promise.all(apis.map(({ name }) => functionUrl(aws, name, signal)));
  return apis.find((_, index) => urls[index]?.replace(/\/$/, '') === url.replace(/\/$/, ''));
}

/** Reads a function's own URL. */
export async function functionUrl(
  aws: CallAws,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = `/2021-10-31/functions/${encodeURIComponent(name)}/url`;
  const text = await aws(
    { service: 'lambda', action: 'lambda:GetFunctionUrlConfig', method: 'GET', path },
    signal,
  );
  return (JSON.parse(text) as { readonly FunctionUrl?: string }).FunctionUrl;
}
