import type { Generation } from '../../client/index.ts';
import { objectUrl } from '../../functions/objects/object-url.ts';
import type { Deployment } from './deployment.ts';
import type { RemoteFile } from './relay-file.ts';

/** Anything else would be another address, which then gets a signature of the developer's. */
const BUCKET = /^[\w.-]{3,255}$/;
const nameOf = (path: string) => path.split('/').at(-1) || 'input';

/**
 * Finds an input of a generation: an object that the developer's own credentials read, or a URL as the request has it.
 * @param index - Its place among the sources of the parameter.
 */
export async function findInput(
  { inputs }: Pick<Generation, 'inputs'>,
  parameter: string,
  index: number,
  deployment: Deployment,
): Promise<RemoteFile | undefined> {
  const sources = Object.hasOwn(inputs, parameter) ? [inputs[parameter] ?? []].flat() : [];
  const source = sources[index];
  if (source === undefined) return undefined;
  if (/^https:\/\//i.test(source))
    return { url: source, name: nameOf(new URL(source).pathname), isPublicOnly: true };
  const [, bucket = deployment.inputBucket, key = source] = /^s3:\/\/([^/]+)\/(.+)$/su.exec(source) ?? [];
  if (bucket === undefined || !BUCKET.test(bucket)) return undefined;
  return { ...(await signObject(deployment, bucket, key)), name: nameOf(key) };
}

async function signObject({ s3, region }: Deployment, bucket: string, key: string) {
  const { origin, pathname } = objectUrl({ bucket, key }, { region, endpoint: s3.endpoint });
  const [{ AwsClient }, keys] = await Promise.all([import('aws4fetch'), s3.credentials()]);
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  const signer = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    service: 's3',
    region,
  });
  const signed = await signer.sign(`${origin}${pathname}`, { aws: { signQuery: true } });
  return { url: signed.url };
}
