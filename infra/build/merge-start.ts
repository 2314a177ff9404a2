import path from 'node:path';
import * as esbuild from 'esbuild';

/** One file, still an ES module, by name. */
type Modules = ReadonlyMap<string, string>;

export interface Merged {
  /** What `index.js` contains, as CommonJS. It exports each chunk that it contains by the chunk's name. */
  readonly index: string;
  /** The names of the files that are part of it, `index.js` among them. */
  readonly names: ReadonlySet<string>;
  /** The record of `files`, as if esbuild had written them so. */
  readonly metafile: esbuild.Metafile;
}

const INDEX = 'index.js';

/**
 * Puts everything that loads together with `index.js` into that file. For modules that lazy files use as well, esbuild
 * writes up to six chunks. Each would be read, compiled and linked by itself at every cold start.
 */
export async function mergeStart(
  modules: Modules,
  metafile: esbuild.Metafile,
  options: esbuild.BuildOptions,
): Promise<Merged> {
  const names = namesAtStart(metafile);
  const chunks = [...names].filter((name) => name !== INDEX);
  const contents = [
    `export * from './${INDEX}';`,
    ...chunks.map((name) => `export * as '${name}' from './${name}';`),
  ].join('\n');
  const { outputFiles } = await esbuild.build({
    ...options,
    stdin: { contents },
    bundle: true,
    minify: true,
    format: 'cjs',
    write: false,
    plugins: [fromMemory(modules, names)],
  });
  return { index: outputFiles?.[0]?.text ?? '', names, metafile: mergeRecord(metafile, names) };
}

/** Makes a lazy file, already CommonJS, take from `index.js` what is part of it. */
export const fromIndex = (code: string, names: ReadonlySet<string>): string =>
  [...names].reduce(
    (changed, name) => changed.replaceAll(`require("./${name}")`, `require("./${INDEX}")["${name}"]`),
    code,
  );

function namesAtStart({ outputs }: esbuild.Metafile): ReadonlySet<string> {
  const files = new Map(Object.entries(outputs).map(([file, output]) => [path.basename(file), output]));
  const names = new Set<string>();
  const follow = (name: string) => {
    if (names.has(name)) return;
    names.add(name);
    for (const { path: file, kind, external } of files.get(name)?.imports ?? [])
      if (kind === 'import-statement' && !external) follow(path.basename(file));
  };
  follow(INDEX);
  return names;
}

function fromMemory(modules: Modules, names: ReadonlySet<string>): esbuild.Plugin {
  return {
    name: 'from-memory',
    setup(build) {
      build.onResolve({ filter: /^\.\// }, ({ path: file }) => {
        const name = path.basename(file);
        return names.has(name) ? { path: name, namespace: 'start' } : { path: file, external: true };
      });
      build.onLoad({ filter: /.*/, namespace: 'start' }, ({ path: name }) => ({
        contents: modules.get(name) ?? '',
      }));
    },
  };
}

function mergeRecord({ inputs, outputs }: esbuild.Metafile, names: ReadonlySet<string>): esbuild.Metafile {
  const isMerged = (file: string) => names.has(path.basename(file));
  const all = Object.entries(outputs);
  const atStart = all.filter(([file]) => isMerged(file));
  const [index, record] = atStart.find(([file]) => path.basename(file) === INDEX) ?? [];
  if (index === undefined || record === undefined) throw new Error(`esbuild wrote no ${INDEX}`);
  const toIndex = (imports: typeof record.imports) =>
    imports.map((one) => (!one.external && isMerged(one.path) ? { ...one, path: index } : one));
  const merged = {
    ...record,
    inputs: Object.assign({}, ...atStart.map(([, output]) => output.inputs)),
    imports: atStart
      .flatMap(([, { imports }]) => toIndex(imports))
      .filter(({ path: file }) => file !== index),
  };
  const later = all.filter(([file]) => !isMerged(file));
  return {
    inputs,
    outputs: Object.fromEntries([
      [index, merged],
      ...later.map(([file, output]) => [file, { ...output, imports: toIndex(output.imports) }]),
    ]),
  };
}
