import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOMS, roomOf } from './rooms.ts';

export interface Import {
  /** A path seen from the root, or a package. */
  readonly target: string;
  readonly isPackage: boolean;
  readonly isTypeOnly: boolean;
}

const STATEMENT = /^(?:import|export)\s+(type\s)?(?:[\w*{][^;'"]*?\sfrom\s+)?'([^']+)'/gm;
const CALL = /\b(?:import|require)\(\s*'([^']+)'/g;
/** Comments may speak of imports. */
const COMMENT = /^\s*(?:\/\/|\/?\*).*$/gm;

/** What a file imports, lazily too. */
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

/** What a file may not import, each as a line for a person. */
export const errorsIn = (file: string, text: string): readonly string[] =>
  importsOf(file, text).flatMap((one) => importError(file, one) ?? []);

function importError(file: string, { target, isPackage, isTypeOnly }: Import): string | undefined {
  const name = roomOf(file);
  const room = name === undefined ? undefined : ROOMS[name];
  if (room === undefined) return `${file} is in no room: name its folder in scripts/rooms.ts.`;
  const { uses = [], types = [], packages = [] } = room;
  if (!isPackage) {
    const theirs = roomOf(target);
    if (theirs === name || (theirs !== undefined && uses.includes(theirs))) return undefined;
    if (theirs !== undefined && types.includes(theirs))
      return isTypeOnly
        ? undefined
        : `${file} imports ${target}: ${name} may know types of ${theirs} alone. See scripts/rooms.ts.`;
    return `${file} imports ${target}: ${name} may not import ${theirs ?? 'what is in no room'}. See scripts/rooms.ts.`;
  }
  const isAllowed = packages.some((one) =>
    one === 'node:' ? target.startsWith(one) : target === one || target.startsWith(`${one}/`),
  );
  return isAllowed
    ? undefined
    : `${file} imports ${target}: ${name} may not import that package. See scripts/rooms.ts.`;
}

/** The same for the whole tree. */
export async function importErrors(root: string): Promise<readonly string[]> {
  const errors: string[] = [];
  for await (const found of glob('{client,functions,infra,local,scripts,examples}/**/*.{ts,mjs,cjs}', {
    cwd: root,
  }))
    errors.push(...errorsIn(found.split(path.sep).join('/'), await readFile(path.join(root, found), 'utf8')));
  return errors.sort();
}
