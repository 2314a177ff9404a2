import { AwsClient } from 'aws4fetch';
import type { Credentials } from '../../client/index.ts';
import { endpointOf } from '../../functions/aws/endpoint.ts';
import { AwsRefusal } from './finding.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The beginning of the body. */
  readonly text: string;
}

/** The most of an answer that is read. */
const MOST_BYTES = 1024 * 1024;

/** Sends one request. Follows no redirect, and never repeats. */
export async function send(
  request: Request | string,
  init: RequestInit & { readonly signal: AbortSignal },
): Promise<HttpAnswer> {
  const response = await fetch(request, { redirect: 'manual', ...init });
  return { status: response.status, headers: response.headers, text: await readStart(response) };
}

async function readStart(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= MOST_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

export interface AwsCall {
  /** The name that signs, for example `ssm`. */
  readonly service: string;
  /** The right that the call needs, for messages. */
  readonly action: string;
  readonly path?: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Makes one signed call. @returns The body.
 * @throws {AwsRefusal} If AWS refuses it.
 */
export type CallAws = (call: AwsCall, signal: AbortSignal) => Promise<string>;

export interface AwsOptions {
  readonly region: string;
  readonly credentials: () => Promise<Credentials>;
  /** @default - AWS, or `AWS_ENDPOINT_URL` */
  readonly endpoint?: (service: string) => string;
}

export const createAws =
  ({ region, credentials, endpoint = (service) => endpointAt(service, region) }: AwsOptions): CallAws =>
  async ({ service, action, path = '/', method = 'POST', headers, body }, signal) => {
    const signed = await signer(await credentials(), service, region).sign(
      `${endpoint(service).replace(/\/$/, '')}${path}`,
      { method, ...(headers && { headers }), ...(body !== undefined && { body }) },
    );
    const { status, text } = await send(signed, { signal });
    if (status < 300) return text;
    const code =
      /"__type"\s*:\s*"(?:[^"#]*#)?([A-Za-z]+)|<Code>([A-Za-z]+)<|"[cC]ode"\s*:\s*"([A-Za-z]+)"/.exec(text);
    throw new AwsRefusal(action, status, code?.[1] ?? code?.[2] ?? code?.[3] ?? '');
  };

/** Calls an AWS service that speaks JSON. */
export const callJson = async (
  aws: CallAws,
  call: {
    readonly service: string;
    readonly action: string;
    readonly target: string;
    readonly version: '1.0' | '1.1';
  },
  input: object,
  signal: AbortSignal,
): Promise<unknown> => {
  const { service, action, target, version } = call;
  const headers = { 'content-type': `application/x-amz-json-${version}`, 'x-amz-target': target };
  return JSON.parse(await aws({ service, action, headers, body: JSON.stringify(input) }, signal));
};

/** Services whose variable `AWS_ENDPOINT_URL_…` has another name than their hosts. */
const VARIABLES: Readonly<Record<string, string>> = {
  monitoring: 'CLOUDWATCH',
  secretsmanager: 'SECRETS_MANAGER',
};

const endpointAt = (name: string, region: string): string =>
  endpointOf({ name, endpointVariable: VARIABLES[name] ?? name.toUpperCase() }, region);

const signer = (
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
  service: string,
  region: string,
) =>
  new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    service,
    region,
    retries: 0,
  });

/** Asks the deployment's API, signed where it has credentials. */
export type CallApi = (
  path: string,
  signal: AbortSignal,
  init?: { readonly method: 'POST'; readonly body: string },
) => Promise<HttpAnswer>;

export const createApi =
  (options: {
    readonly url: string;
    readonly region: string;
    readonly credentials?: () => Promise<Credentials>;
  }): CallApi =>
  async (path, signal, init = undefined) => {
    const url = `${options.url.replace(/\/$/, '')}${path}`;
    const headers = { 'content-type': 'application/json' };
    const { credentials, region } = options;
    const request =
      credentials === undefined
        ? new Request(url, { headers, ...init })
        : await signer(await credentials(), 'lambda', region).sign(url, { headers, ...init });
    return send(request, { signal });
  };
