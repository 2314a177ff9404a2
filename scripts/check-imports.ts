import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOMS, roomOf } from './rooms.ts';

export interface Import {
  /** A path relative to the root, or a package. */
  readonly target: string;
  readonly isPackage: boolean;
  readonly isTypeOnly: boolean;
}

const STATEMENT = /^(?:import|export)\s+(type\s)?(?:[\w*{][^;'"]*?\sfrom\s+)?'([^']+)'/gm;
const CALL = /\b(?:import|require)\(\s*'([^']+)'/g;
/** Comments may mention imports. */
const COMMENT = /^\s*(?:\/\/|\/?\*).*$/gm;

/** Lists a file's imports, including lazy ones. */
export function importsOf(file: string, text: string): readonly Import[] {
  const code = text.replace(COMMENT, '');
  const folder = path.posix.dirname(file);
  const found = (specifier: string, isTypeOnly: boolean): Import => {
    const isPackage = !specifier.startsWith('.');
    return { target: isPackage ? specifier : path.posix.join(folder, specifier), isPackage, isTypeOnly };
  };
  return [
    ...[...code.matchAll(STATEMENT)].map(([, type, to = '']) => found(to, type !== undefined)),
    ...[...code.matchAll(CALL)].map(([, to = '']) => found(to, false)),
  ];
}

/** Returns an error for each forbidden import in a file. */
export const importErrorsIn = (file: string, text: string): readonly string[] =>
  importsOf(file, text).flatMap((one) => importError(file, one) ?? []);

function importError(file: string, { target, isPackage, isTypeOnly }: Import): string | undefined {
  const name = roomOf(file);
  const room = name === undefined ? undefined : ROOMS[name];
  if (room === undefined) return `${file} belongs to no room: add its folder to scripts/rooms.ts.`;
  const { uses = [], types = [], packages = [] } = room;
  if (!isPackage) {
    const theirs = roomOf(target);
    if (theirs === name || (theirs !== undefined && uses.includes(theirs))) return undefined;
    if (theirs !== undefined && types.includes(theirs))
      return isTypeOnly
        ? undefined
        : `${file} imports ${target}: ${name} may only import types from ${theirs}. Use "import type"; see scripts/rooms.ts.`;
    return `${file} imports ${target}: ${name} may not import ${theirs ?? 'files outside all rooms'}. See scripts/rooms.ts.`;
  }
  const isAllowed = packages.some((one) =>
    one === 'node:' ? target.startsWith(one) : target === one || target.startsWith(`${one}/`),
  );
  return isAllowed
    ? undefined
    : `${file} imports ${target}: ${name} may not import that package. See scripts/rooms.ts.`;
}

/** Lists the files that belong to rooms: those of every folder that is neither tests nor made by tools. */
export async function sourceFiles(root: string): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const found of glob('*/**/*.{ts,tsx,mjs,cjs}', { cwd: root, exclude: isOutside }))
    files.push(found.split(path.sep).join('/'));
  return files.sort();
}

const OUTSIDE = ['node_modules', 'dist', 'test', 'bench'];
const isOutside = (file: string): boolean => OUTSIDE.includes(file) || file.startsWith('.');

/** Returns an error for each forbidden import in the whole tree. */
export async function importErrors(root: string): Promise<readonly string[]> {
  const files = await sourceFiles(root);
  const errors = await Promise.all(
    files.map(async (file) => importErrorsIn(file, await readFile(path.join(root, file), 'utf8'))),
  );
  return errors.flat().sort();
}
