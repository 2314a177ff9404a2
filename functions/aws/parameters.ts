import { API_PARAMETERS, PARAMETER } from '../settings.ts';
import { AwsCallError, callAws } from './call.ts';
import { NotConfiguredError } from './not-configured.ts';
import { type Credentials, readSecret } from './secret.ts';
import { SET_UP } from './set-up.ts';

/** The settings outside the environment variables: the credentials, and what the stack writes. */
export interface DeploymentParameters extends Credentials {
  readonly callbackBaseUrl: string;
  readonly callbackFunction: string;
}

/** The subset that `api` needs. It neither signs nor verifies callbacks. */
export type ApiParameters = Omit<Credentials, 'callbackSecrets'> &
  Pick<DeploymentParameters, 'callbackFunction'>;

export interface ParameterReader<Parameters = DeploymentParameters> {
  /**
   * Returns the cached parameters, and reads them again once they are older than `keepMs`. If that fails, the cached
   * ones remain in use.
   * @throws {NotConfiguredError} If parameters are missing. The error is cached for `renewMs`.
   */
  get(): Promise<Parameters>;
  /** Makes the next `get` read again. Called after the cached credentials did not work. */
  forget(): void;
  /**
   * Reads again, because a parameter may just have been replaced. Within `renewMs` of another read it returns the result
   * of that one, so that a sender of forged callbacks cannot cause many calls to SSM.
   * @throws If they cannot be read. It does not fall back to the cached parameters.
   */
  renew(): Promise<Parameters>;
}

/** SSM allows 40 calls a second, so hundreds of environments that start together need several seconds. */
const THROTTLED_MS = 15_000;
const SSM = { name: 'ssm', endpointVariable: 'SSM' };

export interface ParameterReaderOptions {
  /** For example `/wiro/my-stack`. */
  readonly path: string;
  /** The secret with the credentials, if they are not under the path. Read in parallel with the parameters. */
  readonly secretArn?: string | undefined;
  readonly keepMs: number;
  /** The minimum time between a read and a renewal. */
  readonly renewMs: number;
  readonly now?: () => number;
}

/** Creates a reader that reads the parameters under a path with one `GetParameters` call, and caches them. */
export const createParameterReader = (options: ParameterReaderOptions): ParameterReader =>
  createReader(options, readParameters);

/** Creates a reader without the callback secrets, with which a callback could be forged. */
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
      // Without this, every request to a deployment without secrets would call SSM.
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
        // Use the cached parameters for a while, so that not every call waits for a service that does not answer.
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
      ...toStackParameters(found),
    };
  }
  const [credentials, found] = await Promise.all([
    readSecret(secretArn),
    getParameters(path, [PARAMETER.callbackBaseUrl, PARAMETER.callbackFunction]),
  ]);
  return { ...credentials, ...toStackParameters(found) };
}

async function readApiParameters(path: string, secretArn: string | undefined): Promise<ApiParameters> {
  if (secretArn === undefined) {
    const found = await getParameters(path, API_PARAMETERS);
    return {
      ...toApiCredentials(found),
      callbackFunction: found.required(PARAMETER.callbackFunction),
    };
  }
  // Secrets Manager returns only whole secrets, so drop the callback secrets here.
  const [{ callbackSecrets: _, ...credentials }, found] = await Promise.all([
    readSecret(secretArn),
    getParameters(path, [PARAMETER.callbackFunction]),
  ]);
  return { ...credentials, callbackFunction: found.required(PARAMETER.callbackFunction) };
}

/** Parameters that the stack writes. `npm run setup` writes the others. */
const WRITTEN_BY_STACK: Readonly<Record<string, true>> = {
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
      const remedy = name in WRITTEN_BY_STACK ? 'deploy the stack again, which writes it' : SET_UP;
      throw new NotConfiguredError(`the parameter ${path}/${name} is missing: ${remedy}`);
    },
  };
}

function toApiCredentials({ get, required }: Found): Omit<Credentials, 'callbackSecrets'> {
  const apiSecret = get(PARAMETER.apiSecret);
  return { apiKey: required(PARAMETER.apiKey), ...(apiSecret !== undefined && { apiSecret }) };
}

const optional = (value: string | undefined) => (value === undefined ? [] : [value]);

const toStackParameters = ({ required }: Found) => ({
  callbackBaseUrl: required(PARAMETER.callbackBaseUrl),
  callbackFunction: required(PARAMETER.callbackFunction),
});
