import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';

interface Rule {
  /** Files that it holds for. */
  readonly from: RegExp;
  /** What they must not import: a path seen from the root, or a package. */
  readonly never: RegExp;
  readonly because: string;
}

const RULES: readonly Rule[] = [
  {
    from: /^functions\//,
    never: /^(local|infra|test|bench)\//,
    because: 'what is deployed stands alone',
  },
  {
    from: /^functions\/generation\//,
    never: /^(?!functions\/generation\/|functions\/[^/]+\.ts$|functions\/\w+\/types\.ts$|node:crypto$)/,
    because: 'the state machine is pure: no AWS, no HTTP, no other room',
  },
  {
    from: /^functions\/(store|objects|wiro|events)\//,
    never: /^functions\/(api|submit|callback|reconcile)\//,
    because: 'imports run one way: handlers → store, objects, wiro, events → generation',
  },
];
const IMPORTED = /(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g;

/** Imports that run against the direction of the folders, each as a line for a person. */
export async function importErrors(root: string): Promise<string[]> {
  const errors: string[] = [];
  for await (const found of glob('functions/**/*.ts', { cwd: root })) {
    const file = found.split(path.sep).join('/');
    const text = await readFile(path.join(root, file), 'utf8');
    for (const [, specifier = ''] of text.matchAll(IMPORTED)) {
      const target = specifier.startsWith('.')
        ? path.posix.join(path.posix.dirname(file), specifier)
        : specifier;
      for (const { from, never, because } of RULES)
        if (from.test(file) && never.test(target)) errors.push(`${file} imports ${target}: ${because}`);
    }
  }
  return errors.sort();
}
