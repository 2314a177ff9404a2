import { createHmac } from 'node:crypto';
import { PARAMETER, SECRET_FIELD } from '../../functions/settings.ts';
import { type CallAws, callJson, type HttpAnswer, send } from './calls.ts';
import { type Judgement, ok, unchecked, withoutUrls, wrong } from './finding.ts';

export interface Secrets {
  readonly apiKey?: string;
  readonly apiSecret?: string;
  readonly hasCallbackSecret: boolean;
}

/** Reads the secrets as the functions do. They stay in this process. */
export async function readSecrets(
  aws: CallAws,
  { path, secretArn }: { readonly path: string; readonly secretArn?: string | undefined },
  signal: AbortSignal,
): Promise<Secrets> {
  if (secretArn !== undefined) return readSecretsManager(aws, secretArn, signal);
  const found = await readParameters(
    aws,
    path,
    [PARAMETER.apiKey, PARAMETER.apiSecret, PARAMETER.callbackSecret],
    signal,
  );
  return toSecrets(
    found.get(PARAMETER.apiKey),
    found.get(PARAMETER.apiSecret),
    found.get(PARAMETER.callbackSecret),
  );
}

export async function readParameters(
  aws: CallAws,
  path: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const answer = (await callJson(
    aws,
    { service: 'ssm', action: 'ssm:GetParameters', target: 'AmazonSSM.GetParameters', version: '1.1' },
    { Names: names.map((name) => `${path}/${name}`), WithDecryption: true },
    signal,
  )) as { readonly Parameters?: readonly { readonly Name: string; readonly Value: string }[] };
  return new Map((answer.Parameters ?? []).map(({ Name, Value }) => [Name.slice(path.length + 1), Value]));
}

async function readSecretsManager(aws: CallAws, SecretId: string, signal: AbortSignal): Promise<Secrets> {
  const action = 'secretsmanager:GetSecretValue';
  const call = {
    service: 'secretsmanager',
    action,
    target: 'secretsmanager.GetSecretValue',
    version: '1.1',
  } as const;
  const { SecretString = '' } = (await callJson(aws, call, { SecretId }, signal)) as {
    SecretString?: string;
  };
  const fields = parseObject(SecretString);
  return toSecrets(
    fields[SECRET_FIELD.apiKey],
    fields[SECRET_FIELD.apiSecret],
    fields[SECRET_FIELD.callbackSecret],
  );
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function toSecrets(apiKey: unknown, apiSecret: unknown, callbackSecret: unknown): Secrets {
  return {
    ...(typeof apiKey === 'string' && apiKey !== '' && { apiKey }),
    ...(typeof apiSecret === 'string' && apiSecret !== '' && { apiSecret }),
    hasCallbackSecret: typeof callbackSecret === 'string' && callbackSecret !== '',
  };
}

export function judgeSecrets({ apiKey, apiSecret, hasCallbackSecret }: Secrets, setup: string): Judgement {
  const missing = [
    ...(apiKey === undefined ? ['the API key'] : []),
    ...(hasCallbackSecret ? [] : ['the callback secret']),
  ];
  if (missing.length > 0) return wrong(`${missing.join(' and ')} missing`, setup);
  return ok(apiSecret === undefined ? 'there, for a Wiro project with a key only' : 'there');
}

/** Asks Wiro for at most one task with the key: it costs nothing. */
export function askWiro(
  apiUrl: string,
  { apiKey = '', apiSecret }: Pick<Secrets, 'apiKey' | 'apiSecret'>,
  signal: AbortSignal,
  nonce = String(Date.now()),
): Promise<HttpAnswer> {
  const signature =
    apiSecret !== undefined && createHmac('sha256', apiKey).update(`${apiSecret}${nonce}`).digest('hex');
  return send(`${apiUrl.replace(/\/$/, '')}/Task/List`, {
    method: 'POST',
    signal,
    headers: {
      'content-type': 'application/json',
      'x-api-key': apiKey,
      ...(signature && { 'x-nonce': nonce, 'x-signature': signature }),
    },
    body: JSON.stringify({ type: 'model', sort: 'id', order: 'DESC', start: '0', limit: '1' }),
  });
}

const ABOUT_ADDRESS = /\bips?\b|\bip(?:v4|v6)\b|ip[- _]?address|whitelist|allow-?list/i;
const ABOUT_KEY = /unauthori[sz]ed|api[- _]?key|signature|nonce|credential|bearer|\b401\b|code 9[89]\b/i;

/** Judges the answer to a call from this machine. */
export function judgeWiroKey({ status, text }: HttpAnswer, setup: string): Judgement {
  const { result, errors } = parseObject(text);
  const reasons = (Array.isArray(errors) ? errors : []).map((error: unknown) =>
    typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error),
  );
  const codes = (Array.isArray(errors) ? errors : []).map((error: unknown) =>
    typeof error === 'object' && error !== null && 'code' in error ? Number(error.code) : Number.NaN,
  );
  const isAuthentication = status === 401 || status === 403 || codes.includes(98) || codes.includes(99);
  const why = reasons.join(' ');
  if (ABOUT_ADDRESS.test(why) || (isAuthentication && ABOUT_ADDRESS.test(text)))
    return wrong(
      'the Wiro project takes calls only from certain IP addresses, and refuses this machine',
      'Remove the restriction at Wiro: AWS Lambda has no fixed address, so it refuses the functions, too.',
    );
  if (isAuthentication || ABOUT_KEY.test(why))
    return wrong(
      `Wiro does not accept the key (${status})`,
      `Check that key and secret are of one project. ${setup}`,
    );
  // Code 1: "There is no task yet."
  if (status === 200 && (result === true || codes.includes(1))) return ok('Wiro accepts them');
  return wrong(
    `Wiro answered ${status} with something unexpected`,
    'Repeat in a while; look at the status of Wiro.',
  );
}

/** Judges the list of models that the deployment asks Wiro for, from its own addresses. */
export function judgeWiroBehindApi({ status, text }: HttpAnswer, setup: string): Judgement {
  if (status === 200) return ok('the deployment reaches Wiro');
  const error = parseObject(text).error;
  const { code = '', message = '' } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly code?: string;
    readonly message?: string;
  };
  const said = withoutUrls(message);
  if (code === 'not_configured') return wrong('the deployment lacks its secrets', setup);
  if (ABOUT_ADDRESS.test(said))
    return wrong(
      'the Wiro project takes calls only from certain IP addresses',
      'Remove the restriction at Wiro: AWS Lambda has no fixed address.',
    );
  if (ABOUT_KEY.test(said)) return wrong("Wiro does not accept the deployment's key", setup);
  if (code === '') return unchecked(`the API answered ${status}`);
  return wrong(said, 'Repeat in a while. Else check that wiroApiUrl is right.');
}

/** Wiro's API tells neither the balance nor the limit. */
export const judgeBalance = (): Judgement =>
  unchecked(
    "Wiro's API does not tell the balance",
    'Look at wiro.ai: Wiro needs $0.50 for a run, and runs max(1, balance ÷ $10) at once up to $250, then any number.',
  );
