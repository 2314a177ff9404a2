import { createHash } from 'node:crypto';
import type { GivenRequest, LocalFile } from '../request-options.ts';

/**
 * Derives the idempotency key of each request from the batch, the request with the content of its files, and how many
 * equal ones come before it in the file. So a repeated submission of the file starts nothing twice, whatever is lost on
 * this machine, and a row that is mended or added does not change the keys of the others.
 * @param batch - Names the batch.
 * @param digestOf - The SHA-256 of a local file.
 */
export function rowKeys(
  batch: string,
  requests: readonly GivenRequest[],
  digestOf: (file: LocalFile) => string,
): readonly string[] {
  const seen = new Map<string, number>();
  return requests.map(({ request, inputs }) => {
    const { idempotencyKey, maxCostUsd: _, ...what } = request;
    if (idempotencyKey !== undefined) return idempotencyKey;
    const sources = Object.fromEntries(
      Object.entries(inputs).map(([name, all]) => [
        name,
        all.map((one) =>
          'source' in one ? one.source : { name: one.file.name, sha256: digestOf(one.file) },
        ),
      ]),
    );
    const content = JSON.stringify(sorted({ ...what, inputs: sources }));
    const before = seen.get(content) ?? 0;
    seen.set(content, before + 1);
    return `batch-${sha256(JSON.stringify([batch, content, before])).slice(0, 40)}`;
  });
}

export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** The same value with the names of every object in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}
