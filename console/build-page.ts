import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as esbuild from 'esbuild';

const ROOT = path.resolve(import.meta.dirname, '..');

const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  minify: true,
  write: false,
  legalComments: 'none',
  logLevel: 'silent',
  target: 'es2023',
} as const satisfies esbuild.BuildOptions;

/** The page, and the files that are in it, for their licences. */
export interface BuiltPage {
  readonly html: string;
  readonly files: readonly string[];
}

/** Builds the page: one HTML file that holds its style and its script. */
export async function buildPage(): Promise<BuiltPage> {
  const [script, style, shell] = await Promise.all([
    esbuild.build({
      ...OPTIONS,
      entryPoints: ['console/page/main.tsx'],
      format: 'iife',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      mainFields: ['module', 'main'],
      // The page sends to its own server, which signs.
      external: ['aws4fetch'],
      metafile: true,
    }),
    esbuild.build({ ...OPTIONS, entryPoints: ['console/page/style.css'] }),
    readFile(path.join(ROOT, 'console/page/index.html'), 'utf8'),
  ]);
  const html = shell
    .replace('<style></style>', () => `<style>${textOf(style)}</style>`)
    .replace('<script></script>', () => `<script>${textOf(script)}</script>`);
  return { html, files: Object.keys(script.metafile.inputs) };
}

const textOf = ({ outputFiles }: { readonly outputFiles: readonly esbuild.OutputFile[] }) =>
  outputFiles[0]?.text.trim() ?? '';
