import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { GetParameterCommand, ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import { SetupError } from '../../local/setup-error.ts';

/** The AWS account or emulator of this run, found like the SDK does: environment, profile, `AWS_ENDPOINT_URL`. */
export interface Account {
  readonly region: string;
  /** Whether `cdk bootstrap` has been run here. */
  readonly isBootstrapped: boolean;
  readonly credentials: SSMClient['config']['credentials'];
  readonly s3: S3Client;
  readonly ssm: SSMClient;
  readonly lambda: LambdaClient;
  readonly dynamodb: DynamoDBClient;
  readonly eventBridge: EventBridgeClient;
  close(): void;
}

// Of CDK's default bootstrap stack.
const BOOTSTRAP_VERSION = '/cdk-bootstrap/hnb659fds/version';

/**
 * Finds the AWS to work with.
 * @throws {SetupError} If something is missing. One sentence says what.
 */
export async function openAccount(endpoint: string | undefined): Promise<Account> {
  // The SDK reads only AWS_REGION. Accept the AWS CLI's other variable too.
  const named = process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION;
  const config = named ? { region: named } : {};
  const ssm = new SSMClient(config);
  try {
    const region = await ssm.config.region();
    const isBootstrapped = await ssm.send(new GetParameterCommand({ Name: BOOTSTRAP_VERSION })).then(
      () => true,
      (error: unknown) => {
        if (error instanceof ParameterNotFound) return false;
        throw error;
      },
    );
    const { credentials } = ssm.config;
    const shared = { region, credentials };
    // Emulators serve buckets by path: a bucket's host name would have to resolve.
    const s3 = new S3Client({ ...shared, forcePathStyle: endpoint !== undefined });
    const lambda = new LambdaClient(shared);
    const dynamodb = new DynamoDBClient(shared);
    const eventBridge = new EventBridgeClient(shared);
    const clients = { s3, ssm, lambda, dynamodb, eventBridge };
    return {
      region,
      isBootstrapped,
      credentials,
      ...clients,
      close: () => {
        for (const client of Object.values(clients)) client.destroy();
      },
    };
  } catch (error) {
    // The sentence is complete, so no cause is shown.
    throw new SetupError(explain(error, endpoint));
  }
}

function explain(error: unknown, endpoint: string | undefined): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (/Region is missing/i.test(message))
    return 'The AWS region is missing: set AWS_REGION, for example AWS_REGION=eu-central-1.';
  if (/CredentialsProviderError|TokenProviderError/.test(name))
    return 'Found no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (any will do for an emulator).';
  if (/ExpiredToken|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|TokenRefresh/.test(name))
    return `AWS does not accept these credentials (${name}): sign in again.`;
  if (name === 'AccessDeniedException')
    return 'AWS refused: these credentials must be allowed to deploy the stack, ssm:GetParameter to begin with.';
  const where = endpoint === undefined ? 'AWS' : `the AWS endpoint ${endpoint}`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return `Cannot reach ${where}: ${message || code || name}.`;
}
