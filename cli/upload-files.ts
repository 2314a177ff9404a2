import { openAsBlob } from 'node:fs';
import type { Client } from '../client/index.ts';
import type { LocalFile } from './request-options.ts';

/**
 * Uploads local files, each once, whatever names it.
 * @returns Uploads a file, and gives the key of its object.
 */
export function createUploads(
  client: Pick<Client, 'upload'>,
  { signal, onUpload }: { readonly signal: AbortSignal; readonly onUpload?: (file: LocalFile) => void },
): (file: LocalFile) => Promise<string> {
  const uploads = new Map<string, Promise<string>>();
  async function upload(file: LocalFile): Promise<string> {
    onUpload?.(file);
    return client.upload(await openAsBlob(file.path), { name: file.name, signal });
  }
  return (file) => {
    const known = uploads.get(file.path) ?? upload(file);
    uploads.set(file.path, known);
    return known;
  };
}
