import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** A docstring, split by its tags. */
export interface Doc {
  readonly text: string;
  readonly parameters: readonly { readonly name: string; readonly text: string }[];
  readonly returns?: string;
  readonly throws: readonly { readonly error: string; readonly text: string }[];
  readonly fallback?: string;
}

export interface Member {
  readonly name: string;
  /** The whole declaration, for example `readonly inputBucket: s3.IBucket`. */
  readonly declared: string;
  readonly isOptional: boolean;
  readonly doc: Doc | undefined;
}

export interface Declaration {
  readonly name: string;
  readonly kind: 'class' | 'interface' | 'type' | 'const';
  /** The declaration without its members. */
  readonly declared: string;
  readonly doc: Doc | undefined;
  readonly members: readonly Member[];
}

/** Reads the declarations of all exports of the package, in the order of `infra/index.ts`. */
export async function exportedDeclarations(root: string): Promise<readonly Declaration[]> {
  const types = await mkdtemp(path.join(tmpdir(), 'wiro-types-'));
  try {
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(
      process.execPath,
      [tsc, '-p', path.join(root, 'infra/tsconfig.package.json'), '--outDir', types],
      { cwd: root },
    );
    const index = path.join(types, 'infra/index.d.ts');
    const found: Declaration[] = [];
    for (const [, names = '', from = ''] of (await readFile(index, 'utf8')).matchAll(EXPORTED)) {
      const text = await readFile(path.join(path.dirname(index), from.replace(/\.ts$/, '.d.ts')), 'utf8');
      for (const name of names.split(','))
        found.push(findDeclaration(text, name.replace('type ', '').trim()));
    }
    return found;
  } finally {
    await rm(types, { recursive: true });
  }
}

const EXPORTED = /^export (?:type )?\{ ([^}]+) \} from '([^']+)';/gm;

/** Finds a declaration in the compiler's output, which indents members by four spaces. */
export function findDeclaration(text: string, name: string): Declaration {
  const found = new RegExp(
    `^export (?:declare )?(?:abstract )?(class|interface|type|const) ${name}\\b`,
    'm',
  ).exec(text);
  if (found === null) throw new Error(`Cannot find the declaration of the exported "${name}"`);
  const kind = found[1] as Declaration['kind'];
  const whole = upToEnd(text.slice(found.index));
  const listed = /typeof (\w+)/.exec(whole)?.[1];
  // `keyof typeof METRICS` means nothing without the source, so use the members of `METRICS`.
  const source = kind === 'type' && listed !== undefined ? findDeclaration(text, listed) : undefined;
  const open = whole.indexOf('{\n');
  return {
    name,
    kind,
    declared: (open < 0 || kind === 'type' ? whole : whole.slice(0, open)).trim(),
    doc: docBefore(text.slice(0, found.index)) ?? source?.doc,
    members: source?.members ?? (open < 0 || kind === 'type' ? [] : membersOf(whole.slice(open + 2))),
  };
}

/** Cuts the text after the line that ends its first declaration. */
function upToEnd(text: string): string {
  const lines = text.split('\n');
  let depth = 0;
  for (const [index, line] of lines.entries()) {
    for (const letter of line) depth += '{(['.includes(letter) ? 1 : '})]'.includes(letter) ? -1 : 0;
    if (depth === 0 && /[;}]$/.test(line)) return lines.slice(0, index + 1).join('\n');
  }
  throw new Error('Cannot find the end of a declaration');
}

function membersOf(body: string): readonly Member[] {
  const members: Member[] = [];
  for (const found of body.matchAll(/^ {4}((?:readonly |static )*)([\w#]+|constructor)(\??)(?=[:(<])/gm)) {
    const [, , name = '', mark] = found;
    const declared = upToEnd(body.slice(found.index)).replace(/^ {4}/gm, '').replace(/;$/, '');
    members.push({ name, declared, isOptional: mark === '?', doc: docBefore(body.slice(0, found.index)) });
  }
  return members;
}

/** Parses the docstring at the end of a text. */
function docBefore(text: string): Doc | undefined {
  const comment = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(text)?.[1];
  if (comment === undefined) return undefined;
  const plain = comment.replace(/^\s*\* ?/gm, '').trim();
  const [words = '', ...tags] = plain.split(/(?:^|\s)@(?=(?:default|param|returns|throws|see)\b)/);
  const tagged = (tag: string) =>
    tags
      .filter((one) => one.startsWith(tag))
      .map((one) =>
        one
          .slice(tag.length)
          .replace(/^[\s-]+/, '')
          .trim(),
      );
  return {
    text: words.trim(),
    parameters: tagged('param').map((one) => {
      const [, name = '', what = ''] = /^(\S+)\s*-?\s*([\s\S]*)$/.exec(one) ?? [];
      return { name, text: what };
    }),
    ...(tagged('returns')[0] !== undefined && { returns: tagged('returns')[0] }),
    throws: tagged('throws').map((one) => {
      const [, error = '', what = ''] = /^\{(\w+)\}\s*([\s\S]*)$/.exec(one) ?? [];
      return { error, text: what };
    }),
    ...(tagged('default')[0] !== undefined && { fallback: tagged('default')[0] }),
  };
}
