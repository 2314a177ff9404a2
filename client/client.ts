import { WiroServerlessError } from './api-error.ts';
import type {
  DryRun,
  Generation,
  GenerationRequest,
  GenerationRow,
  Model,
  ModelRow,
  Output,
  Timeline,
  Upload,
  Usage,
} from './api-types.ts';
import { downloadOutput } from './download.ts';
import { createHttp, type HttpOptions } from './http.ts';
import { type ListModelsOptions, type ListOptions, listGenerations, listModels } from './list.ts';
import { putUpload } from './upload.ts';
import { readUsage, type UsageOptions } from './usage.ts';
import { type WaitOptions, waitForEnd } from './wait.ts';

export type ClientOptions = HttpOptions;

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface UploadOptions extends CallOptions {
  /** The file's name, with an extension that Wiro accepts, such as `photo.png`. */
  readonly name: string;
  /** @default - the file's own type, or that of the name's extension */
  readonly contentType?: string;
}

/** A request, without `dryRun`: `price` is for that. */
export type Submission = Omit<GenerationRequest, 'dryRun'>;

/** Talks to a deployment's API, or to the local environment. */
export interface Client {
  /**
   * Submits a request. A request without an `idempotencyKey` gets a random one, so that a repeat after a lost answer
   * stays one generation.
   */
  submit(request: Submission, options?: CallOptions): Promise<Generation>;
  get(id: string, options?: CallOptions): Promise<Generation>;
  /**
   * Lists generations, newest first: `for await (const row of client.list({ status: 'failed' }))`. Reads pages as they
   * are needed. Generations that are accepted meanwhile do not disturb it.
   */
  list(options?: ListOptions): AsyncGenerator<GenerationRow, void, undefined>;
  /** Reads what happened to a generation, with times. */
  timeline(id: string, options?: CallOptions): Promise<Timeline>;
  /** Waits until a generation has ended, however it ends. */
  wait(id: string, options?: WaitOptions): Promise<Generation>;
  /**
   * Submits a request and waits for its outputs.
   * @throws {WiroServerlessError} When the generation fails or is cancelled, with the reason.
   */
  run(request: Submission, options?: WaitOptions): Promise<Generation>;
  /** Checks and prices a request. Nothing is stored or run. A request that is wrong is a regular answer. */
  price(request: Submission, options?: CallOptions): Promise<DryRun>;
  /** Lists the models that the deployment runs, in Wiro's order. Reads page after page as the rows are asked for. */
  models(options?: ListModelsOptions): AsyncGenerator<ModelRow, void, undefined>;
  /** Reads a model, `owner/project`, with its parameters and prices. */
  model(name: string, options?: CallOptions): Promise<Model>;
  /** Reads how many generations ended and what they cost, by day (UTC) and model. The last 30 days by default. */
  usage(options?: UsageOptions): Promise<Omit<Usage, 'cursor'>>;
  /** Requests cancellation. A task that succeeds meanwhile keeps its outputs. */
  cancel(id: string, options?: CallOptions): Promise<Generation>;
  /** Starts the next attempt. The client never repeats this request by itself: each may start a run. */
  retry(id: string, options?: CallOptions & { readonly force?: boolean }): Promise<Generation>;
  /**
   * Uploads a file of at most 100 MB as an input.
   * @param file - On Node, `openAsBlob` of `node:fs` reads a file without holding it in memory. A stream is read whole.
   * @returns The key to name in `inputs` of a request. The object expires after 14 days, or as the deployment sets.
   */
  upload(file: Blob | ReadableStream<Uint8Array>, options: UploadOptions): Promise<string>;
  /** Downloads an output into memory and checks its SHA-256. */
  download(output: Output, options?: CallOptions): Promise<Blob>;
}

/** Creates a client of one deployment. */
export function createClient(options: ClientOptions): Client {
  const call = createHttp(options);
  const pathOf = (id: string) => `/generations/${encodeURIComponent(id)}`;

  const client: Client = {
    submit: async (request, { signal } = {}) => {
      const body = { ...request, idempotencyKey: request.idempotencyKey ?? crypto.randomUUID() };
      return (await call({
        method: 'POST',
        path: '/generations',
        body,
        isRepeatable: true,
        signal,
      })) as Generation;
    },
    price: async (request, { signal } = {}) =>
      (await call({
        method: 'POST',
        path: '/generations',
        body: { ...request, dryRun: true },
        isRepeatable: true,
        signal,
      })) as DryRun,
    models: (options = {}) => listModels(call, options),
    model: async (name, { signal } = {}) =>
      (await call({
        method: 'GET',
        path: `/models/${name.split('/').map(encodeURIComponent).join('/')}`,
        isRepeatable: true,
        signal,
      })) as Model,
    usage: (options = {}) => readUsage(call, options),
    get: async (id, { signal } = {}) =>
      (await call({ method: 'GET', path: pathOf(id), isRepeatable: true, signal })) as Generation,
    timeline: async (id, { signal } = {}) =>
      (await call({
        method: 'GET',
        path: `${pathOf(id)}/timeline`,
        isRepeatable: true,
        signal,
      })) as Timeline,
    list: (options = {}) => listGenerations(call, options),
    wait: (id, waiting = {}) =>
      waitForEnd(() => client.get(id, { ...(waiting.signal && { signal: waiting.signal }) }), waiting),
    run: async (request, waiting = {}) => {
      const { id } = await client.submit(request, { ...(waiting.signal && { signal: waiting.signal }) });
      const generation = await client.wait(id, waiting);
      if (generation.status === 'succeeded') return generation;
      throw new WiroServerlessError(
        generation.error ?? {
          code: 'cancelled',
          message: `Generation ${id} was cancelled.`,
          retryable: false,
        },
      );
    },
    cancel: async (id, { signal } = {}) =>
      (await call({
        method: 'POST',
        path: `${pathOf(id)}/cancel`,
        isRepeatable: true,
        signal,
      })) as Generation,
    retry: async (id, { force, signal } = {}) =>
      (await call({
        method: 'POST',
        path: `${pathOf(id)}/retry`,
        ...(force !== undefined && { body: { force } }),
        isRepeatable: false,
        signal,
      })) as Generation,
    upload: async (file, { name, contentType, signal }) => {
      const blob = file instanceof Blob ? file : await new Response(file).blob();
      const type = contentType ?? (blob.type || undefined);
      const upload = (await call({
        method: 'POST',
        path: '/uploads',
        body: { name, sizeBytes: blob.size, ...(type !== undefined && { contentType: type }) },
        isRepeatable: true,
        signal,
      })) as Upload;
      await putUpload(upload, blob, {
        ...(options.fetch && { fetch: options.fetch }),
        ...(signal && { signal }),
      });
      return upload.key;
    },
    download: (output, { signal } = {}) =>
      downloadOutput(output, {
        ...(options.fetch && { fetch: options.fetch }),
        ...(signal && { signal }),
      }),
  };
  return client;
}
