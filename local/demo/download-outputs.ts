import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from '../../client/index.ts';
import type { GenerationRecord } from '../../functions/api/record.ts';

/**
 * Copies a generation's outputs to `directory` from the URLs in its record.
 * @returns The files, in the record's order.
 * @throws {ChecksumError} If the content differs from the record's SHA-256.
 */
export async function downloadOutputs(
  client: Pick<Client, 'download'>,
  { outputs }: Pick<GenerationRecord, 'outputs'>,
  directory: string,
  signal: AbortSignal,
): Promise<string[]> {
  if (outputs.length === 0) return [];
  await mkdir(directory, { recursive: true });
  const files: string[] = [];
  for (const [index, output] of outputs.entries()) {
    const blob = await client.download(output, { signal });
    const file = path.join(directory, fileName(output.key, index, files));
    await writeFile(file, blob.stream());
    files.push(file);
  }
  return files;
}

/** The last part of the key without unsafe characters, prefixed with a number if another file has the same name. */
function fileName(key: string, index: number, taken: readonly string[]): string {
  const name = path.basename(key).replace(/[^\w.-]/g, '_');
  const isTaken = taken.some((file) => path.basename(file) === name);
  return isTaken || /^\.*$/.test(name) ? `${index}-${name}` : name;
}
