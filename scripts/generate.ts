import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { generatedFiles } from './generated.ts';

// npm run generate: writes all generated files.
const ROOT = path.resolve(import.meta.dirname, '..');

for (const [file, text] of await generatedFiles(ROOT)) {
  const target = path.join(ROOT, file);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, text);
}
