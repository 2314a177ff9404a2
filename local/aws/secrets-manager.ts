import { randomBytes, randomUUID } from 'node:crypto';
import { AwsError, requireValue, startJsonEndpoint } from './aws-endpoint.ts';
import { LOCAL_ACCOUNT } from './lambda-types.ts';
import type { LocalService } from './local-service.ts';

/** Secrets that clients read and replace over HTTP. They are only in memory. */
export interface SecretsManager extends LocalService {
  /** @returns The new secret's ARN. */
  readonly create: (name: string, text: string) => string;
}

interface Secret {
  readonly name: string;
  readonly arn: string;
  text: string;
  version: string;
  createdAtSeconds: number;
}

const VALUE_LIMIT_BYTES = 65_536;

/** Serves the part of Secrets Manager for a secret's current text, without stages, rotation or binary values. */
export async function startSecretsManager({ region }: { readonly region: string }): Promise<SecretsManager> {
  const secrets: Secret[] = [];

  function requireSecret(id: unknown): Secret {
    const found = secrets.find(({ name, arn }) => id === name || id === arn);
    if (found) return found;
    throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }

  const service = await startJsonEndpoint(
    { prefix: 'secretsmanager', service: 'secretsmanager', region },
    {
      GetSecretValue: {
        members: ['SecretId', 'VersionId', 'VersionStage'],
        run: ({ SecretId, VersionId, VersionStage }) => {
          requireValue('VersionStage', VersionStage, ['AWSCURRENT']);
          const { name, arn, text, version, createdAtSeconds } = requireSecret(SecretId);
          if ((VersionId ?? version) !== version)
            throw new AwsError(
              'ResourceNotFoundException',
              "Secrets Manager can't find the specified secret value for VersionId.",
            );
          return {
            ARN: arn,
            Name: name,
            VersionId: version,
            SecretString: text,
            VersionStages: ['AWSCURRENT'],
            CreatedDate: createdAtSeconds,
          };
        },
      },
      PutSecretValue: {
        members: ['SecretId', 'SecretString', 'ClientRequestToken', 'VersionStages'],
        run: ({ SecretId, SecretString, ClientRequestToken, VersionStages }) => {
          requireValue('VersionStages', Array.isArray(VersionStages) ? VersionStages.join() : VersionStages, [
            'AWSCURRENT',
          ]);
          const secret = requireSecret(SecretId);
          if (typeof SecretString !== 'string' || SecretString === '')
            throw new AwsError(
              'InvalidParameterException',
              'You must provide either SecretString or SecretBinary.',
            );
          if (Buffer.byteLength(SecretString) > VALUE_LIMIT_BYTES)
            throw new AwsError('ValidationException', `A secret has at most ${VALUE_LIMIT_BYTES} bytes.`);
          // A repeated request has the same token, which becomes the version's id.
          if (ClientRequestToken === secret.version && SecretString !== secret.text)
            throw new AwsError(
              'ResourceExistsException',
              'You cannot use the same ClientRequestToken for a secret version with another value.',
            );
          if (ClientRequestToken !== secret.version)
            Object.assign(secret, newVersion(SecretString, ClientRequestToken));
          return {
            ARN: secret.arn,
            Name: secret.name,
            VersionId: secret.version,
            VersionStages: ['AWSCURRENT'],
          };
        },
      },
    },
  );

  return {
    ...service,
    create: (name, text) => {
      // Like AWS, appends six random characters, so that a secret created again gets another ARN.
      const suffix = randomBytes(3).toString('hex');
      const arn = `arn:aws:secretsmanager:${region}:${LOCAL_ACCOUNT}:secret:${name}-${suffix}`;
      secrets.push({ name, arn, ...newVersion(text) });
      return arn;
    },
  };
}

const newVersion = (text: string, id?: unknown) => ({
  text,
  version: typeof id === 'string' ? id : randomUUID(),
  createdAtSeconds: Math.floor(Date.now() / 1000),
});
