import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** What one comment says, by the tags of its text. */
export interface Doc {
  readonly text: string;
  readonly parameters: readonly { readonly name: string; readonly text: string }[];
  readonly returns?: string;
  readonly throws: readonly { readonly error: string; readonly text: string }[];
  readonly fallback?: string;
}

export interface Member {
  readonly name: string;
  /** Without its name: `readonly inputBucket: s3.IBucket` whole, as declared. */
  readonly declared: string;
  readonly isOptional: boolean;
  readonly doc: Doc | undefined;
}

export interface Declaration {
  readonly name: string;
  readonly kind: 'class' | 'interface' | 'type' | 'const';
  /** Up to the members, or whole where there are none. */
  readonly declared: string;
  readonly doc: Doc | undefined;
  readonly members: readonly Member[];
}

/** Everything that the package exports, as the compiler declares it, in the order of `infra/index.ts`. */
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

/** Finds one declaration in a file that the compiler wrote. Its members are indented by four spaces. */
export function findDeclaration(text: string, name: string): Declaration {
  const found = new RegExp(
    `^export (?:declare )?(?:abstract )?(class|interface|type|const) ${name}\\b`,
    'm',
  ).exec(text);
  if (found === null) throw new Error(`"${name}" is exported, and declared nowhere`);
  const kind = found[1] as Declaration['kind'];
  const whole = upToEnd(text.slice(found.index));
  const listed = /typeof (\w+)/.exec(whole)?.[1];
  // `keyof typeof METRICS` says nothing to who has no source: the members of what it is made from do.
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

/** A declaration to the line that ends it. */
function upToEnd(text: string): string {
  const lines = text.split('\n');
  let depth = 0;
  for (const [place, line] of lines.entries()) {
    for (const letter of line) depth += '{(['.includes(letter) ? 1 : '})]'.includes(letter) ? -1 : 0;
    if (depth === 0 && /[;}]$/.test(line)) return lines.slice(0, place + 1).join('\n');
  }
  throw new Error('A declaration has no end');
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

/** The comment that a text ends with. */
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
