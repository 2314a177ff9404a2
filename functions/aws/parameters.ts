import { PARAMETER } from '../settings.ts';
import { AwsCallError, callAws } from './call.ts';

/** What a deployment keeps in SSM: its secrets, and where the stack says things are. */
export interface DeploymentParameters {
  readonly apiKey: string;
  /** Absent for a key-only Wiro project. */
  readonly apiSecret?: string;
  /** The current one first; the previous one while a rotation is under way. */
  readonly callbackSecrets: readonly [string, ...string[]];
  readonly callbackBaseUrl: string;
  readonly callbackFunction: string;
}

export interface ParameterReader {
  /** As kept, at most as old as the setting says; still used while reading anew fails. */
  get(): Promise<DeploymentParameters>;
  /** The next `get` reads anew: what was kept did not work. */
  forget(): void;
}

const SSM = { name: 'ssm', endpointVariable: 'SSM' };

/**
 * Reads the parameters under a path with one `GetParameters`, and keeps them.
 * @param path - For example `/wiro/my-stack`.
 */
export function createParameterReader({
  path,
  keepMs,
  now = Date.now,
}: {
  readonly path: string;
  readonly keepMs: number;
  readonly now?: () => number;
}): ParameterReader {
  let kept: { readonly parameters: DeploymentParameters; readonly readAt: number } | undefined;
  let reading: Promise<DeploymentParameters> | undefined;
  let isStale = false;

  async function read(): Promise<DeploymentParameters> {
    const parameters = toParameters(path, await getParameters(path));
    kept = { parameters, readAt: now() };
    isStale = false;
    return parameters;
  }

  return {
    async get() {
      if (kept !== undefined && !isStale && now() - kept.readAt < keepMs) return kept.parameters;
      reading ??= read().finally(() => {
        reading = undefined;
      });
      try {
        return await reading;
      } catch (error) {
        if (kept !== undefined) return kept.parameters;
        throw error;
      }
    },
    forget() {
      isStale = true;
    },
  };
}

async function getParameters(path: string): Promise<ReadonlyMap<string, string>> {
  const { body } = await callAws(SSM, {
    path: '/',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AmazonSSM.GetParameters' },
    body: JSON.stringify({
      Names: Object.values(PARAMETER).map((name) => `${path}/${name}`),
      WithDecryption: true,
    }),
  });
  const listed =
    typeof body === 'object' && body !== null && 'Parameters' in body ? body.Parameters : undefined;
  if (!Array.isArray(listed)) throw new AwsCallError('ssm answered without a list of parameters');
  const named: readonly { readonly Name?: unknown; readonly Value?: unknown }[] = listed;
  return new Map(
    named.flatMap(({ Name, Value }) =>
      typeof Name === 'string' && typeof Value === 'string' ? [[Name.slice(path.length + 1), Value]] : [],
    ),
  );
}

function toParameters(path: string, found: ReadonlyMap<string, string>): DeploymentParameters {
  const required = (name: string) => {
    const value = found.get(name);
    if (!value)
      throw new Error(`The parameter ${path}/${name} is not there: run "npm run setup", then deploy`);
    return value;
  };
  const apiSecret = found.get(PARAMETER.apiSecret);
  const previous = found.get(PARAMETER.previousCallbackSecret);
  return {
    apiKey: required(PARAMETER.apiKey),
    ...(apiSecret !== undefined && { apiSecret }),
    callbackSecrets: [required(PARAMETER.callbackSecret), ...(previous === undefined ? [] : [previous])],
    callbackBaseUrl: required(PARAMETER.callbackBaseUrl),
    callbackFunction: required(PARAMETER.callbackFunction),
  };
}
