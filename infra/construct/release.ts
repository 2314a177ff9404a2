import { readFileSync } from 'node:fs';
import path from 'node:path';
import { IS_PACKAGED } from './is-packaged.ts';

/** The manifest is beside `dist/` in the package, and two folders up in the repository. */
const MANIFEST = path.join(import.meta.dirname, IS_PACKAGED ? '..' : '../..', 'package.json');

/** The release of this construct: the package's version. Each function's description names it, and `doctor` reads it. */
export const { version: RELEASE } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as {
  readonly version: string;
};
