/** AWS credentials, as `@aws-sdk/credential-providers` gives them. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SignerOptions {
  /** The API's URL: the stack's `ApiUrl` output, or the address that `npm start` prints. */
  readonly url: string | URL;
  /**
   * Signs every request with AWS Signature Version 4. A function is called for each request, so that it can renew
   * what expires.
   * @default - requests are not signed, as the local environment and a proxy of your own expect
   */
  readonly credentials?: Credentials | (() => Promise<Credentials>);
  /** The deployment's AWS Region. @default - read from the URL of a Lambda function */
  readonly region?: string;
}

/** Makes a request to the API, signed where there are credentials. The signer is larger than the rest of the client. */
export async function signRequest(options: SignerOptions, url: string, init: RequestInit): Promise<Request> {
  const { credentials } = options;
  if (credentials === undefined) return new Request(url, init);
  const [{ AwsClient }, keys] = await Promise.all([
    import('aws4fetch'),
    typeof credentials === 'function' ? credentials() : credentials,
  ]);
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  const signer = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    service: 'lambda',
    region: regionOf(options),
  });
  return signer.sign(url, init);
}

/** @throws {TypeError} If neither the options nor the URL name the region. */
export function regionOf({ region, url }: SignerOptions): string {
  const { hostname, origin } = new URL(url);
  const place = region ?? /\.lambda-url\.([a-z0-9-]+)\.on\.aws$/.exec(hostname)?.[1];
  if (place !== undefined) return place;
  throw new TypeError(`The region cannot be read from ${origin}: pass \`region\`.`);
}
