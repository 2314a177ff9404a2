import { setTimeout as wait } from 'node:timers/promises';
import type { GenerationRecord } from '../../functions/api/record.ts';

export interface GenerationToSubmit {
  readonly model: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, string>>;
}

/** Calls our own API like an application. */
export interface ApiClient {
  submit(generation: GenerationToSubmit, signal: AbortSignal): Promise<GenerationRecord>;
  read(id: string, signal: AbortSignal): Promise<GenerationRecord>;
}

const TRIES = 5;
const PAUSE_MS = 500;

export function createApiClient(baseUrl: string): ApiClient {
  async function call(path: string, init: RequestInit): Promise<GenerationRecord> {
    const response = await fetch(baseUrl + path, init);
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as GenerationRecord;
    throw new ApiError(response.status, messageOf(text));
  }

  return {
    submit: (generation, signal) =>
      call('/generations', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(generation),
        signal,
      }),
    // Reading is safe to repeat, and one failed response is no reason to abandon a generation.
    read: async (id, signal) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await call(`/generations/${encodeURIComponent(id)}`, { signal });
        } catch (error) {
          signal.throwIfAborted();
          if (attempt === TRIES || (error instanceof ApiError && error.status < 500)) throw error;
        }
        await wait(PAUSE_MS);
      }
    },
  };
}

/** An error response of the API, with the API's message. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(`The API answered ${status}: ${message}`);
    this.status = status;
  }
}

function messageOf(text: string): string {
  try {
    const body = JSON.parse(text) as { error?: { message?: string }; message?: string };
    return body.error?.message ?? body.message ?? text;
  } catch {
    return text;
  }
}
