import { API_PARAMETERS, PARAMETER } from '../settings.ts';
import { AwsCallError, callAws } from './call.ts';
import { NotConfiguredError } from './not-configured.ts';
import { type Credentials, readSecret } from './secret.ts';
import { SET_UP } from './set-up.ts';

/** What a deployment does not have in its environment: its credentials, and where the stack says things are. */
export interface DeploymentParameters extends Credentials {
  readonly callbackBaseUrl: string;
  readonly callbackFunction: string;
}

/** What `api` needs of them: it neither signs a callback nor checks one. */
export type ApiParameters = Omit<Credentials, 'callbackSecrets'> &
  Pick<DeploymentParameters, 'callbackFunction'>;

export interface ParameterReader<Parameters = DeploymentParameters> {
  /**
   * As kept, at most as old as the setting says; still used while reading anew fails.
   * @throws {NotConfiguredError} When some are not there, and for a while afterwards.
   */
  get(): Promise<Parameters>;
  /** The next `get` reads anew: what was kept did not work. */
  forget(): void;
  /**
   * Reads anew, for what may just have been replaced. Soon after any reading it returns what that one found: a sender
   * of forged callbacks cannot make us ask SSM.
   * @throws When they cannot be read: what is kept is known already.
   */
  renew(): Promise<Parameters>;
}

/** SSM answers 40 calls a second: hundreds of environments that start together need some seconds of their turns. */
const THROTTLED_MS = 15_000;
const SSM = { name: 'ssm', endpointVariable: 'SSM' };

export interface ParameterReaderOptions {
  /** For example `/wiro/my-stack`. */
  readonly path: string;
  /** Where the credentials are, if not under the path: one `GetSecretValue`, side by side with `GetParameters`. */
  readonly secretArn?: string | undefined;
  readonly keepMs: number;
  /** Between any reading and a renewal. */
  readonly renewMs: number;
  readonly now?: () => number;
}

/** Reads the parameters under a path with one `GetParameters`, and keeps them. */
export const createParameterReader = (options: ParameterReaderOptions): ParameterReader =>
  createReader(options, readParameters);

/** As above, without the callback secrets: whoever has them makes us believe in any callback. */
export const createApiParameterReader = (options: ParameterReaderOptions): ParameterReader<ApiParameters> =>
  createReader(options, readApiParameters);

function createReader<Parameters>(
  { path, secretArn, keepMs, renewMs, now = Date.now }: ParameterReaderOptions,
  readThem: (path: string, secretArn: string | undefined) => Promise<Parameters>,
): ParameterReader<Parameters> {
  let kept: { readonly parameters: Parameters; readonly readAt: number } | undefined;
  let reading: Promise<Parameters> | undefined;
  let isStale = false;
  let missing: { readonly error: NotConfiguredError; readonly readAt: number } | undefined;
  let renewal: { readonly startedAt: number; readonly parameters: Promise<Parameters> } | undefined;

  async function read(): Promise<Parameters> {
    const startedAt = now();
    const parameters = await readThem(path, secretArn);
    kept = { parameters, readAt: now() };
    renewal = { startedAt, parameters: Promise.resolve(parameters) };
    isStale = false;
    return parameters;
  }

  return {
    async get() {
      if (kept !== undefined && !isStale && now() - kept.readAt < keepMs) return kept.parameters;
      // Requests to a deployment without secrets do not make us ask SSM each time.
      if (kept === undefined && missing !== undefined && now() - missing.readAt < renewMs)
        throw missing.error;
      reading ??= read().finally(() => {
        reading = undefined;
      });
      try {
        return await reading;
      } catch (error) {
        if (error instanceof NotConfiguredError) missing = { error, readAt: now() };
        if (kept === undefined) throw error;
        // For a while nobody else waits for a service that does not answer.
        kept = { ...kept, readAt: now() - keepMs + Math.min(renewMs, keepMs) };
        isStale = false;
        return kept.parameters;
      }
    },
    forget() {
      isStale = true;
    },
    renew() {
      if (renewal === undefined || now() - renewal.startedAt >= renewMs)
        renewal = { startedAt: now(), parameters: read() };
      return renewal.parameters;
    },
  };
}

async function readParameters(path: string, secretArn: string | undefined): Promise<DeploymentParameters> {
  if (secretArn === undefined) {
    const found = await getParameters(path, Object.values(PARAMETER));
    return {
      ...toApiCredentials(found),
      callbackSecrets: [
        found.required(PARAMETER.callbackSecret),
        ...optional(found.get(PARAMETER.previousCallbackSecret)),
      ],
      ...toPlaces(found),
    };
  }
  const [credentials, found] = await Promise.all([
    readSecret(secretArn),
    getParameters(path, [PARAMETER.callbackBaseUrl, PARAMETER.callbackFunction]),
  ]);
  return { ...credentials, ...toPlaces(found) };
}

async function readApiParameters(path: string, secretArn: string | undefined): Promise<ApiParameters> {
  if (secretArn === undefined) {
    const found = await getParameters(path, API_PARAMETERS);
    return {
      ...toApiCredentials(found),
      callbackFunction: found.required(PARAMETER.callbackFunction),
    };
  }
  // A secret of Secrets Manager is read whole or not at all.
  const [{ callbackSecrets: _, ...credentials }, found] = await Promise.all([
    readSecret(secretArn),
    getParameters(path, [PARAMETER.callbackFunction]),
  ]);
  return { ...credentials, callbackFunction: found.required(PARAMETER.callbackFunction) };
}

/** What the stack writes, and not `npm run setup`. */
const PLACES: Readonly<Record<string, true>> = {
  [PARAMETER.callbackBaseUrl]: true,
  [PARAMETER.callbackFunction]: true,
};

interface Found {
  readonly get: (name: string) => string | undefined;
  readonly required: (name: string) => string;
}

async function getParameters(path: string, names: readonly string[]): Promise<Found> {
  const request = {
    path: '/',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AmazonSSM.GetParameters' },
    body: JSON.stringify({ Names: names.map((name) => `${path}/${name}`), WithDecryption: true }),
  };
  const { body } = await callAws(SSM, request, { throttledMs: THROTTLED_MS });
  const listed =
    typeof body === 'object' && body !== null && 'Parameters' in body ? body.Parameters : undefined;
  if (!Array.isArray(listed)) throw new AwsCallError('ssm answered without a list of parameters');
  const named: readonly { readonly Name?: unknown; readonly Value?: unknown }[] = listed;
  const found = new Map(named.map(({ Name, Value }) => [Name, Value]));
  const get = (name: string) => {
    const value = found.get(`${path}/${name}`);
    return typeof value === 'string' ? value : undefined;
  };
  return {
    get,
    required: (name) => {
      const value = get(name);
      if (value) return value;
      const remedy = name in PLACES ? 'deploy the stack again, which writes it' : SET_UP;
      throw new NotConfiguredError(`the parameter ${path}/${name} is not there: ${remedy}`);
    },
  };
}

function toApiCredentials({ get, required }: Found): Omit<Credentials, 'callbackSecrets'> {
  const apiSecret = get(PARAMETER.apiSecret);
  return { apiKey: required(PARAMETER.apiKey), ...(apiSecret !== undefined && { apiSecret }) };
}

const optional = (value: string | undefined) => (value === undefined ? [] : [value]);

const toPlaces = ({ required }: Found) => ({
  callbackBaseUrl: required(PARAMETER.callbackBaseUrl),
  callbackFunction: required(PARAMETER.callbackFunction),
});
