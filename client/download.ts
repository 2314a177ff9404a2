import type { Output } from './api-types.ts';

/** An output that is not what the record says: do not use its bytes. */
export class ChecksumError extends Error {
  override readonly name = 'ChecksumError';
}

/**
 * Downloads an output and checks its SHA-256.
 * @throws {ChecksumError} When the bytes are not those that were recorded.
 */
export async function downloadOutput(
  { url, sha256, contentType, name }: Pick<Output, 'url' | 'sha256' | 'contentType' | 'name'>,
  { fetch: send = fetch, signal }: { readonly fetch?: typeof fetch; readonly signal?: AbortSignal } = {},
): Promise<Blob> {
  const response = await send(url, { ...(signal && { signal }) });
  if (!response.ok)
    throw new Error(
      `Cannot download ${name}: HTTP ${response.status}. Read the generation again: its links expire after 15 minutes.`,
    );
  const bytes = await response.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== sha256)
    throw new ChecksumError(
      `${name} has the SHA-256 ${found}, but the record says ${sha256}: download it again.`,
    );
  return new Blob([bytes], { type: contentType });
}
