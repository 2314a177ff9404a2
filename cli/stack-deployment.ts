import { CloudFormationClient, DescribeStacksCommand, type Stack } from '@aws-sdk/client-cloudformation';
import type { DeploymentOptions, StackDeployment } from './deployment-kinds.ts';
import { CliError, unreachable, usageError } from './errors.ts';
import { plain } from './text.ts';

export type FindStackOptions = Omit<DeploymentOptions, 'data'> & { readonly stack: string };

/**
 * Finds a deployed stack with the developer's AWS credentials, and the API's URL in its outputs.
 * @throws {CliError} If there is no such stack, it has no such output, or AWS cannot be asked.
 */
export async function findStackDeployment(
  options: FindStackOptions,
  abortSignal?: AbortSignal,
): Promise<StackDeployment> {
  const { stack: name, profile } = options;
  const given = options.region ?? (process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION);
  const aws = new CloudFormationClient({
    ...(given && { region: given }),
    ...(profile !== undefined && { profile }),
  });
  let region = given ?? '';
  try {
    region = await aws.config.region();
    const { Stacks = [] } = await aws.send(new DescribeStacksCommand({ StackName: name }), {
      ...(abortSignal && { abortSignal }),
    });
    const [stack] = Stacks;
    if (stack === undefined) throw notFound(name, region);
    const outputs = Object.fromEntries(
      (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
    );
    const account = /^arn:[^:]*:cloudformation:[^:]*:(\d+):/.exec(stack.StackId ?? '')?.[1] ?? '';
    const stackName = stack.StackName ?? name;
    return {
      kind: 'stack',
      url: findApiUrl(stack, outputs, options),
      region,
      title: `the stack ${stackName} in ${region}`,
      identity: `stack ${stackName} ${region} ${account}`,
      stack: stackName,
      account,
      outputs,
      ...(profile !== undefined && { profile }),
      credentials: async () => {
        const { accessKeyId, secretAccessKey, sessionToken } = await aws.config.credentials();
        return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
      },
    };
  } catch (error) {
    abortSignal?.throwIfAborted();
    throw error instanceof CliError ? error : explainAws(error, { ...options, region });
  } finally {
    // The credentials are still read with it; this only closes its connections.
    aws.destroy();
  }
}

function findApiUrl(
  { StackStatus: status }: Stack,
  outputs: Readonly<Record<string, string>>,
  { stack, apiOutput }: FindStackOptions,
): string {
  const keys = Object.keys(outputs);
  const named = apiOutput ?? 'ApiUrl';
  const found = keys.includes(named) ? [named] : apiOutput === undefined ? keys.filter(endsLikeApiUrl) : [];
  const [key, ...more] = found;
  if (key === undefined && apiOutput !== undefined)
    throw usageError(
      `The stack ${stack} has no output "${apiOutput}". Its outputs: ${keys.sort().join(', ') || 'none'}.`,
    );
  if (key === undefined)
    throw unreachable(
      status !== undefined && /^(?:CREATE_(?!COMPLETE)|ROLLBACK_|DELETE_|REVIEW_)/.test(status)
        ? `The stack ${stack} is not deployed (${status}): deploy it first.`
        : `The stack ${stack} has no output with the API's URL: add new CfnOutput(this, 'ApiUrl', { value: wiro.apiUrl }) to it and deploy it, or correct --stack.`,
    );
  if (more.length > 0)
    throw usageError(
      `The stack ${stack} has several deployments: name one with --api-output ${found.sort().join(' or --api-output ')}.`,
    );
  const url = outputs[key] ?? '';
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
    throw usageError(`The output ${key} of the stack ${stack} is not a URL: name another with --api-output.`);
  return url;
}

const endsLikeApiUrl = (key: string): boolean => /ApiUrl$/i.test(key);

const notFound = (name: string, region: string): CliError =>
  unreachable(
    `There is no stack "${name}" in ${region} in the account of these credentials: correct --stack, or choose --region and --profile.`,
  );

/** Describes what keeps AWS from answering, and the remedy. */
export function explainAws(
  error: unknown,
  { stack, profile, region }: Pick<FindStackOptions, 'stack' | 'profile' | 'region'>,
): CliError {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const signIn = `sign in again${profile === undefined ? '' : ` (for example: aws sso login --profile ${profile})`}`;
  const because = (sentence: string) => unreachable(sentence, error);
  if (name === 'ValidationError' && /does not exist/.test(message)) return notFound(stack, region ?? '');
  if (/Region is missing/i.test(message) || (region === '' && /region/i.test(message)))
    return because(
      'The AWS region is missing: add --region, for example --region eu-central-1, or set AWS_REGION.',
    );
  if (/region/i.test(message) && /not (?:a )?valid|invalid/i.test(message))
    return because(`AWS has no region "${region}": correct --region.`);
  if (/SSO|sso-session|aws login/i.test(message) || name === 'TokenProviderError')
    return because(`The session of the AWS credentials has ended: ${signIn}.`);
  if (name === 'CredentialsProviderError')
    return because(
      profile === undefined
        ? 'Found no AWS credentials: sign in, add --profile NAME, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.'
        : `The AWS profile "${profile}" does not exist or has no credentials: correct --profile, or add it with "aws configure --profile ${profile}".`,
    );
  if (/ExpiredToken|RequestExpired|TokenRefresh/.test(name))
    return because(`The AWS credentials have expired: ${signIn}.`);
  if (/UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|AuthFailure/.test(name))
    return because(`AWS rejected the credentials (${name}): ${signIn}, and check this machine's clock.`);
  if (/AccessDenied|UnauthorizedOperation|Forbidden/.test(name))
    return because(
      `AWS denied access: allow cloudformation:DescribeStacks on the stack ${stack}, and lambda:InvokeFunctionUrl on its API.`,
    );
  return because(`Cannot ask AWS in ${region} for the stack ${stack}: ${plain(message) || name}`);
}
