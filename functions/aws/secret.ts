import { isRecord, parseJson } from '../runtime/json.ts';
import { SECRET_FIELD } from '../settings.ts';
import { AwsCallError, callAws } from './call.ts';
import { NotConfiguredError } from './not-configured.ts';

/** The credentials that `npm run setup`, or the owner of the secret, stored. */
export interface Credentials {
  readonly apiKey: string;
  /** Absent for a key-only Wiro project. */
  readonly apiSecret?: string;
  /** The current secret first, then the previous one during a rotation. */
  readonly callbackSecrets: readonly [string, ...string[]];
}

/** An unusable secret. The message names the field and the remedy. It contains no value of the secret. */
export class SecretError extends NotConfiguredError {
  override readonly name = 'SecretError';
}

const SECRETS_MANAGER = { name: 'secretsmanager', endpointVariable: 'SECRETS_MANAGER' };
const FORM = `{"${SECRET_FIELD.apiKey}": "…", "${SECRET_FIELD.apiSecret}": "…", "${SECRET_FIELD.callbackSecret}": "…"}`;

/**
 * Reads the credentials from a secret of Secrets Manager.
 * @throws {SecretError} If the secret does not contain them.
 */
export async function readSecret(arn: string): Promise<Credentials> {
  const { body } = await callAws(SECRETS_MANAGER, {
    path: '/',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'secretsmanager.GetSecretValue',
    },
    body: JSON.stringify({ SecretId: arn }),
  }).catch((error: unknown) => {
    // Secrets Manager also returns this error for a secret without a value.
    if (!(error instanceof AwsCallError && error.message.includes('ResourceNotFoundException'))) throw error;
    throw new SecretError(`The secret ${arn} does not exist or has no value: store ${FORM} in it`, {
      cause: error,
    });
  });
  const fields = parse(arn, body);
  const text = (field: string): string | undefined => {
    const value = fields.get(field) ?? '';
    if (typeof value === 'string') return value === '' ? undefined : value;
    throw new SecretError(`The field "${field}" of the secret ${arn} is not text: store it in quotes`);
  };
  const required = (field: string): string => {
    const value = text(field);
    if (value === undefined)
      throw new SecretError(`The secret ${arn} has no "${field}": store a JSON object ${FORM} in it`);
    return value;
  };
  const apiSecret = text(SECRET_FIELD.apiSecret);
  const previous = text(SECRET_FIELD.previousCallbackSecret);
  return {
    apiKey: required(SECRET_FIELD.apiKey),
    ...(apiSecret !== undefined && { apiSecret }),
    callbackSecrets: [required(SECRET_FIELD.callbackSecret), ...(previous === undefined ? [] : [previous])],
  };
}

function parse(arn: string, body: unknown): ReadonlyMap<string, unknown> {
  const text = isRecord(body) ? body.SecretString : '';
  const value = parseJson(String(text));
  if (!isRecord(value)) throw new SecretError(`The secret ${arn} is not a JSON object: store ${FORM} in it`);
  return new Map(Object.entries(value));
}
