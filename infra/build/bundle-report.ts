import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Bundle } from './bundle.ts';

/** One file of a bundle, and what went into it. */
export interface BundleFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Loaded with `index.js`, not by a lazy import later. */
  readonly isLoadedAtStart: boolean;
  /** Bytes of each source file in it, by its path from the project's root. */
  readonly sources: Readonly<Record<string, number>>;
}

/** Looks into a bundle. `index.js` comes first. */
export async function describeBundle({ directory, metafile }: Bundle): Promise<readonly BundleFile[]> {
  const outputs = new Map(Object.entries(metafile.outputs));
  const atStart = new Set<string>();
  const follow = (file: string) => {
    if (atStart.has(file)) return;
    atStart.add(file);
    for (const { path: imported, kind, external } of outputs.get(file)?.imports ?? [])
      if (kind === 'import-statement' && !external) follow(imported);
  };
  for (const [file, { entryPoint }] of outputs)
    if (entryPoint !== undefined && path.basename(file) === 'index.js') follow(file);
  const files = [...outputs].map(async ([file, { inputs }]) => ({
    name: path.basename(file),
    sizeBytes: (await stat(path.join(directory, path.basename(file)))).size,
    isLoadedAtStart: atStart.has(file),
    sources: Object.fromEntries(
      Object.entries(inputs).map(([source, { bytesInOutput }]) => [source, bytesInOutput]),
    ),
  }));
  const rank = ({ name, isLoadedAtStart }: BundleFile) => (name === 'index.js' ? 0 : isLoadedAtStart ? 1 : 2);
  return (await Promise.all(files)).sort((a, b) => rank(a) - rank(b) || b.sizeBytes - a.sizeBytes);
}

/** Adds up sources by package, `ours` being what is no package. Largest first. */
export function sizeByPackage(files: readonly BundleFile[]): readonly (readonly [string, number])[] {
  const sizes = new Map<string, number>();
  for (const { sources } of files)
    for (const [source, bytes] of Object.entries(sources)) {
      const [, name = 'ours'] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source) ?? [];
      sizes.set(name, (sizes.get(name) ?? 0) + bytes);
    }
  return [...sizes].sort(([, a], [, b]) => b - a);
}
