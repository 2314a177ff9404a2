import { WiroServerlessError } from './api-error.ts';
import type { Generation, GenerationRequest, Output } from './api-types.ts';
import { downloadOutput } from './download.ts';
import { createHttp, type HttpOptions } from './http.ts';
import { type WaitOptions, waitForEnd } from './wait.ts';

export type ClientOptions = HttpOptions;

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** Talks to a deployment's API, or to the local environment. */
export interface Client {
  /**
   * Submits a request. A request without an `idempotencyKey` gets a random one, so that a repeat after a lost answer
   * stays one generation.
   */
  submit(request: GenerationRequest, options?: CallOptions): Promise<Generation>;
  get(id: string, options?: CallOptions): Promise<Generation>;
  /** Waits until a generation has ended, however it ends. */
  wait(id: string, options?: WaitOptions): Promise<Generation>;
  /**
   * Submits a request and waits for its outputs.
   * @throws {WiroServerlessError} When the generation fails or is cancelled, with the reason.
   */
  run(request: GenerationRequest, options?: WaitOptions): Promise<Generation>;
  /** Requests cancellation. A task that succeeds meanwhile keeps its outputs. */
  cancel(id: string, options?: CallOptions): Promise<Generation>;
  /** Starts the next attempt. The client never repeats this request by itself: each may start a run. */
  retry(id: string, options?: CallOptions & { readonly force?: boolean }): Promise<Generation>;
  /** Downloads an output and checks its SHA-256. */
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
    get: async (id, { signal } = {}) =>
      (await call({ method: 'GET', path: pathOf(id), isRepeatable: true, signal })) as Generation,
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
    download: (output, { signal } = {}) =>
      downloadOutput(output, {
        ...(options.fetch && { fetch: options.fetch }),
        ...(signal && { signal }),
      }),
  };
  return client;
}
