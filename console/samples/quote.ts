// Whatever a form holds, a sample says exactly that, and nothing of it runs. NUL alone cannot be an argument of a
// command; the API refuses it.

/**
 * Characters that nobody sees, or that make text look other than it is: controls, zero-width ones, marks that turn the
 * direction of writing, and separators that some editors take for the end of a line.
 */
const UNSEEN = /[\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON of several lines, without unseen characters. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, undefined, 2).replace(UNSEEN, escaped);

/** JSON as the input of a command. No line of JSON is its last word, so that nothing in it can end it. */
export const hereDocument = (value: unknown): string => `<<'JSON'\n${toJson(value)}\nJSON`;

/** How a language writes JSON's values. */
interface Dialect {
  readonly text: (text: string) => string;
  readonly name: (name: string) => string;
  readonly constants: Readonly<Record<'true' | 'false' | 'null', string>>;
}

const quoted = (text: string): string => JSON.stringify(text).replace(UNSEEN, escaped);

const TYPESCRIPT: Dialect = {
  // As the rest of the code, where that needs no further escapes.
  text: (text) =>
    text.includes("'") ? quoted(text) : `'${quoted(text).slice(1, -1).replaceAll('\\"', '"')}'`,
  name: (name) => {
    // `__proto__: x` would set the prototype.
    if (name === '__proto__') return "['__proto__']";
    return /^[A-Za-z_$][\w$]*$/.test(name) ? name : TYPESCRIPT.text(name);
  },
  constants: { true: 'true', false: 'false', null: 'null' },
};

// Each escape of JSON means the same in Python.
const PYTHON: Dialect = {
  text: quoted,
  name: quoted,
  constants: { true: 'True', false: 'False', null: 'None' },
};

/** @param indent - The spaces before the line that the value begins in. */
export const toTypeScript = (value: unknown, indent = ''): string => write(value, TYPESCRIPT, indent);

/** @param indent - The spaces before the line that the value begins in. */
export const toPython = (value: unknown, indent = ''): string => write(value, PYTHON, indent);

function write(value: unknown, dialect: Dialect, indent: string): string {
  if (typeof value === 'string') return dialect.text(value);
  const inner = `${indent}${dialect === PYTHON ? '    ' : '  '}`;
  const block = (open: string, lines: readonly string[], close: string) =>
    lines.length === 0
      ? open + close
      : `${open}\n${lines.map((line) => `${inner}${line},\n`).join('')}${indent}${close}`;
  if (Array.isArray(value)) {
    const items = value.map((one) => write(one, dialect, inner));
    const short = `[${items.join(', ')}]`;
    return short.length <= 60 && !short.includes('\n') ? short : block('[', items, ']');
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, one]) => one !== undefined);
    return block(
      '{',
      entries.map(([name, one]) => `${dialect.name(name)}: ${write(one, dialect, inner)}`),
      '}',
    );
  }
  // `JSON.stringify` writes what JSON does not have, such as NaN, as `null`.
  const word = JSON.stringify(value) ?? 'null';
  return word === 'true' || word === 'false' || word === 'null' ? dialect.constants[word] : word;
}

/** One word for bash and zsh, also where it is pasted into a terminal. */
export function shellWord(text: string): string {
  if (/^[A-Za-z0-9_./:-][A-Za-z0-9_./:=@%+,-]*$/.test(text)) return text;
  // In a terminal, a tab asks for completions and a carriage return ends the line.
  if (text.search(NOT_TYPED) < 0) return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const inner = text
    .replace(/[\\']/g, String.raw`\$&`)
    .replaceAll('\n', String.raw`\n`)
    .replace(NOT_TYPED, bytesOf);
  return `$'${inner}'`;
}

const NOT_TYPED = new RegExp(String.raw`(?!\n)\p{Cc}|${UNSEEN.source}`, 'gu');

/** Bytes mean the same in every locale. NUL cannot be an argument and is left out. */
const bytesOf = (character: string): string =>
  character === '\0'
    ? ''
    : [...new TextEncoder().encode(character)]
        .map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
        .join('');
