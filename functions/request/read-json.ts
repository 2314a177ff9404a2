import { tableFormat } from './table-format.ts';

export type ReadJson =
  | { readonly kind: 'read'; readonly value: unknown }
  /** `message` tells a person which other format the text has, or where the JSON is invalid. */
  | { readonly kind: 'unreadable'; readonly message: string };

/** What a person or a program was to write. */
export interface ExpectedJson {
  /** The start of the message, for example `The file`. */
  readonly what: string;
  /** What to write instead, for example `{"force": true}`. */
  readonly remedy: string;
}

/** Parses JSON that a person or a program wrote. */
export function readJson(text: string, { what, remedy }: ExpectedJson): ReadJson {
  // Some editors write a byte order mark at the start.
  const json = text.replace(/^\uFEFF/, '');
  try {
    return { kind: 'read', value: JSON.parse(json) };
  } catch {
    return { kind: 'unreadable', message: `${what} is not JSON: ${explain(json, remedy)}` };
  }
}

function explain(text: string, remedy: string): string {
  if (text.trim() === '') return `it is empty. Write ${remedy}.`;
  const other = otherFormat(text);
  if (other !== undefined) return `it looks like ${other}. Write ${remedy}.`;
  const { at, wanted } = firstFault(text);
  const before = text.slice(0, at).split('\n');
  const word = text.slice(0, at).trim() === '' && /^\p{L}\S{0,19}/u.exec(text.slice(at, at + 20))?.[0];
  if (word) return `it begins with the text ${JSON.stringify(word.toWellFormed())}. Write ${remedy}.`;
  const position = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
  const found = [...text.slice(at, at + 2)][0];
  return found === undefined
    ? `expected ${wanted} at ${position}, but the text ends there.`
    : `expected ${wanted} at ${position}, but found ${JSON.stringify(found.toWellFormed())}.`;
}

/** Whether the first two lines are JSON objects of their own (JSONL). */
export function isJsonLines(text: string): boolean {
  const [first, second] = text.split('\n', 20).filter((line) => line.trim() !== '');
  return [first, second].every((line) => line !== undefined && /^\s*\{.*\}\s*$/.test(line) && isJson(line));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Recognizes a text in another format by its start. Returns `undefined` for a text that looks like JSON. */
function otherFormat(text: string): string | undefined {
  const start = text.trimStart().slice(0, 4_096);
  if (/^<(?:!doctype html|html)/i.test(start)) return 'an HTML page';
  if (start.startsWith('<')) return 'XML';
  if (start.startsWith('%PDF-')) return 'a PDF';
  if (start.startsWith('---')) return 'YAML';
  if (/^(?:["[{\d-]|true|false|null)/.test(start) && !/^"[^"\n]*"[;,\t]/.test(start)) return undefined;
  const table = tableFormat(text);
  if (table !== undefined) return table;
  const [first = ''] = start.split(/\r?\n/, 1);
  if (/^[A-Za-z_][\w-]*:\s/.test(first)) return 'YAML';
  return undefined;
}

type Wanted = 'value' | 'firstValue' | 'name' | 'firstName' | 'colon' | 'next';

const NUMBER_OR_WORD = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Finds where the JSON becomes invalid, and what is expected there. Reads the text once. */
function firstFault(text: string): { readonly at: number; readonly wanted: string } {
  const open: ('{' | '[')[] = [];
  let wanted = 'value' as Wanted;
  let at = 0;
  for (;;) {
    while (' \t\n\r'.includes(text[at] ?? '?')) at += 1;
    const sign = text[at];
    if (wanted === 'colon') {
      if (sign !== ':') return { at, wanted: '":"' };
      at += 1;
      wanted = 'value';
    } else if (wanted === 'next') {
      const closes = open.at(-1) === '{' ? '}' : ']';
      if (open.length === 0) return { at, wanted: 'the end' };
      if (sign === ',') wanted = open.at(-1) === '{' ? 'name' : 'value';
      else if (sign === closes) open.pop();
      else return { at, wanted: `"," or "${closes}"` };
      at += 1;
    } else if ((wanted === 'firstName' && sign === '}') || (wanted === 'firstValue' && sign === ']')) {
      open.pop();
      at += 1;
      wanted = 'next';
    } else if (sign === '"') {
      const end = endOfText(text, at);
      if (typeof end !== 'number') return end;
      at = end;
      wanted = wanted === 'name' || wanted === 'firstName' ? 'colon' : 'next';
    } else if (wanted === 'name' || wanted === 'firstName') {
      return { at, wanted: wanted === 'name' ? 'a name in double quotes' : 'a name in double quotes or "}"' };
    } else if (sign === '{' || sign === '[') {
      open.push(sign);
      at += 1;
      wanted = sign === '{' ? 'firstName' : 'firstValue';
    } else {
      NUMBER_OR_WORD.lastIndex = at;
      if (!NUMBER_OR_WORD.test(text))
        return { at, wanted: 'a value (text in double quotes, a number, true, false, null)' };
      at = NUMBER_OR_WORD.lastIndex;
      wanted = 'next';
    }
  }
}

/** @returns The index after the closing quote, or the fault before it. */
function endOfText(text: string, start: number): number | { readonly at: number; readonly wanted: string } {
  for (let at = start + 1; at < text.length; at += 1) {
    const sign = text[at] ?? '';
    if (sign === '"') return at + 1;
    if (sign < ' ') return { at, wanted: 'more text (write a line break in a text as \\n)' };
    if (sign !== '\\') continue;
    const isEscape = /^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(at, at + 6));
    if (!isEscape) return { at, wanted: 'more text (write a backslash in a text as \\\\)' };
    at += 1;
  }
  return { at: text.length, wanted: 'the closing quote of a text' };
}
