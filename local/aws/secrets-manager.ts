import { randomBytes, randomUUID } from 'node:crypto';
import { AwsError, startJsonEndpoint } from './aws-endpoint.ts';
import { LOCAL_ACCOUNT } from './lambda-types.ts';
import type { LocalService } from './local-service.ts';

/** Secrets that are read and replaced over HTTP; they end with the process. */
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

/** The part of Secrets Manager that holds a secret's current text: no stages, no rotation, no binary. */
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
      GetSecretValue: ({ SecretId }) => {
        const { name, arn, text, version, createdAtSeconds } = requireSecret(SecretId);
        return {
          ARN: arn,
          Name: name,
          VersionId: version,
          SecretString: text,
          VersionStages: ['AWSCURRENT'],
          CreatedDate: createdAtSeconds,
        };
      },
      PutSecretValue: ({ SecretId, SecretString }) => {
        const secret = requireSecret(SecretId);
        if (typeof SecretString !== 'string' || SecretString === '')
          throw new AwsError(
            'InvalidParameterException',
            'You must provide either SecretString or SecretBinary.',
          );
        if (Buffer.byteLength(SecretString) > VALUE_LIMIT_BYTES)
          throw new AwsError('ValidationException', `A secret has at most ${VALUE_LIMIT_BYTES} bytes.`);
        Object.assign(secret, newVersion(SecretString));
        return {
          ARN: secret.arn,
          Name: secret.name,
          VersionId: secret.version,
          VersionStages: ['AWSCURRENT'],
        };
      },
    },
  );

  return {
    ...service,
    create: (name, text) => {
      // As in AWS, six characters that nobody can guess: a secret made again under its name is another one.
      const suffix = randomBytes(3).toString('hex');
      const arn = `arn:aws:secretsmanager:${region}:${LOCAL_ACCOUNT}:secret:${name}-${suffix}`;
      secrets.push({ name, arn, ...newVersion(text) });
      return arn;
    },
  };
}

const newVersion = (text: string) => ({
  text,
  version: randomUUID(),
  createdAtSeconds: Math.floor(Date.now() / 1000),
});
