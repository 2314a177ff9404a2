import type { ModelParameter } from '../../client/index.ts';

/** A form as it stands: what it asks for, and of which deployment. */
export interface Form {
  /** `owner/project`. */
  readonly model: string;
  /** As in a request: JSON values by name. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Sources by file parameter: keys in the input bucket, `s3://bucket/key`, or `https://` URLs. */
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly maxCostUsd?: number | undefined;
  /** What the model lists, as `GET /models/{owner}/{project}` returns it. Decides how Wiro takes files. */
  readonly modelParameters?: readonly Pick<ModelParameter, 'id' | 'type'>[] | undefined;
  readonly endpoint: Endpoint;
}

/** The deployment or local environment that the samples talk to. What is not known is a placeholder in them. */
export interface Endpoint {
  /** `stack` signs every call with AWS credentials. `local` needs none for the API. */
  readonly kind: 'local' | 'stack';
  /** The API's URL, with or without a slash at the end. */
  readonly url: string;
  /** @default - read from the URL of a Lambda function; us-east-1 for the local environment */
  readonly region?: string | undefined;
  /** The input bucket. */
  readonly bucket?: string | undefined;
  /** The event bus. */
  readonly bus?: string | undefined;
  /** Where S3 and EventBridge answer, if not at AWS: the addresses of the local environment. */
  readonly s3Url?: string | undefined;
  readonly eventsUrl?: string | undefined;
  /** The base URL of Wiro's API, which ends in `/v1`. @default https://api.wiro.ai/v1 */
  readonly wiroUrl?: string | undefined;
}

/** One sample: code that does what the form asks for. */
export interface Sample {
  readonly id: SampleId;
  readonly title: string;
  readonly language: 'sh' | 'ts' | 'python' | 'json';
  readonly text: string;
  /** What a reader must know or have first, in a sentence or two. */
  readonly note: string;
}

export type SampleId =
  | 'curl'
  | 'typescript'
  | 'python'
  | 'aws-cli'
  | 'request-file'
  | 'preset'
  | 'event'
  | 'cdk'
  | 'wiro';

/** The request that the form makes, as every way in takes it. Leaves out what is empty. */
export function requestOf({ model, parameters, inputs, labels = {}, maxCostUsd }: Form) {
  const given = givenInputs(inputs);
  return {
    model,
    ...(Object.keys(parameters).length > 0 && { parameters }),
    ...(Object.keys(given).length > 0 && { inputs: given }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(maxCostUsd !== undefined && { maxCostUsd }),
  };
}

/** One source is written as it is, several as a list. */
export const givenInputs = (inputs: Form['inputs']): Record<string, string | readonly string[]> =>
  Object.fromEntries(
    Object.entries(inputs).flatMap(([name, sources]) => {
      const [first, ...more] = sources;
      return first === undefined ? [] : [[name, more.length === 0 ? first : sources]];
    }),
  );

/** The API's URL without a slash at the end. */
export const apiUrlOf = ({ url }: Endpoint): string => url.replace(/\/+$/, '');

export const bucketOf = ({ bucket = 'your-input-bucket' }: Endpoint): string => bucket;

export const regionOf = ({ kind, region, url }: Endpoint): string =>
  region ??
  /\.lambda-url\.([a-z0-9-]+)\.on\.aws(?:[:/]|$)/.exec(url)?.[1] ??
  (kind === 'local' ? 'us-east-1' : 'your-region');

/** A name for files and folders, of the model's own: lower-case letters, digits and `-`. */
export function slugOf({ model }: Pick<Form, 'model'>): string {
  const slug = model
    .replace(/^.*\//s, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'my-request' : slug;
}
