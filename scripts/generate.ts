import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { generatedFiles } from './generated.ts';

// npm run generate: writes what is written from the code.
const ROOT = path.resolve(import.meta.dirname, '..');

for (const [file, text] of await generatedFiles(ROOT)) {
  const place = path.join(ROOT, file);
  await mkdir(path.dirname(place), { recursive: true });
  await writeFile(place, text);
}
