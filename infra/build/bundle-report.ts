import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Bundle } from './bundle.ts';

/** One file of a bundle and the sources in it. */
export interface BundleFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Whether it loads together with `index.js`, not later by a lazy import. */
  readonly isLoadedAtStart: boolean;
  /** Bytes from each source file, by path relative to the project's root. */
  readonly sources: Readonly<Record<string, number>>;
}

/** Lists a bundle's files, `index.js` first, then those loaded at start, then the lazy ones. */
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

/** Sums the sources by package, largest first. `ours` stands for the project's own sources. */
export function sizeByPackage(files: readonly BundleFile[]): readonly (readonly [string, number])[] {
  const sizes = new Map<string, number>();
  for (const { sources } of files)
    for (const [source, bytes] of Object.entries(sources)) {
      const [, name = 'ours'] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source) ?? [];
      sizes.set(name, (sizes.get(name) ?? 0) + bytes);
    }
  return [...sizes].sort(([, a], [, b]) => b - a);
}
