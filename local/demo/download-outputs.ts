import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { GenerationRecord } from '../../functions/api/record.ts';

/**
 * Copies a generation's outputs to `directory` from the URLs in its record.
 * @returns The files, in the record's order.
 * @throws If the content differs from the record's size or SHA-256.
 */
export async function downloadOutputs(
  { outputs }: Pick<GenerationRecord, 'outputs'>,
  directory: string,
  signal: AbortSignal,
): Promise<string[]> {
  if (outputs.length === 0) return [];
  await mkdir(directory, { recursive: true });
  const files: string[] = [];
  for (const [index, { key, url, sha256, sizeBytes }] of outputs.entries()) {
    const response = await fetch(url, { signal });
    if (!response.ok) throw new Error(`Cannot read the output ${key} from S3: ${response.status}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== sha256 || bytes.length !== sizeBytes)
      throw new Error(
        `The output ${key} in S3 differs from its record: it has ${bytes.length} bytes with SHA-256 ${found}, the record ${sizeBytes} bytes with ${sha256}`,
      );
    const file = path.join(directory, fileName(key, index, files));
    await writeFile(file, bytes);
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
