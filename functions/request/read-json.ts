export type ReadJson =
  | { readonly kind: 'read'; readonly value: unknown }
  /** `message` says for a person what it is instead, or where it stops being JSON. */
  | { readonly kind: 'unreadable'; readonly message: string };

/**
 * Reads what a person wrote or a program sent.
 * @param what - As the sentence begins: `The file`.
 */
export function readJson(text: string, what: string): ReadJson {
  // Some editors put a byte order mark before what they save.
  const json = text.replace(/^\uFEFF/, '');
  try {
    return { kind: 'read', value: JSON.parse(json) };
  } catch {
    return { kind: 'unreadable', message: `${what} is not JSON: ${whyNot(json)}` };
  }
}

function whyNot(text: string): string {
  if (text.trim() === '') return 'it is empty. Write {"model": "owner/project", "parameters": {…}}.';
  const other = otherFormat(text);
  if (other !== undefined) return `it looks like ${other}. ${REMEDY}`;
  const { at, wanted } = firstFault(text);
  const before = text.slice(0, at).split('\n');
  const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
  const found = [...text.slice(at, at + 2)][0];
  return found === undefined
    ? `it ends in ${place}, where ${wanted} is expected.`
    : `in ${place} there is ${JSON.stringify(found.toWellFormed())} where ${wanted} is expected.`;
}

const REMEDY = 'Write {"model": "owner/project", "parameters": {…}} instead, or a JSON array of them.';

/** What begins with a letter or a sign is no attempt at JSON, but something else. */
function otherFormat(text: string): string | undefined {
  const start = text.trimStart().slice(0, 4_096);
  if (/^<(?:!doctype html|html)/i.test(start)) return 'an HTML page';
  if (start.startsWith('<')) return 'XML';
  if (start.startsWith('%PDF-')) return 'a PDF';
  if (start.startsWith('---')) return 'YAML';
  if (/^(?:["[{\d-]|true|false|null)/.test(start) && !/^"[^"\n]*"[;,\t]/.test(start)) return undefined;
  const [first = '', second = ''] = start.split(/\r?\n/, 2);
  for (const [separator, name] of [
    [',', 'CSV'],
    [';', 'CSV'],
    ['\t', 'a table with tabs'],
  ] as const) {
    const columns = first.split(separator).length;
    if (columns > 1 && (second === '' || second.includes(separator))) return name;
  }
  if (/^[A-Za-z_][\w-]*:\s/.test(first)) return 'YAML';
  return undefined;
}

type Wanted = 'value' | 'firstValue' | 'name' | 'firstName' | 'colon' | 'next';

const NUMBER_OR_WORD = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Where a text stops being JSON, and what would have to stand there. Reads it once. */
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

/** @returns The place behind the closing quotes, or the fault before them. */
function endOfText(text: string, start: number): number | { readonly at: number; readonly wanted: string } {
  for (let at = start + 1; at < text.length; at += 1) {
    const sign = text[at] ?? '';
    if (sign === '"') return at + 1;
    if (sign < ' ') return { at, wanted: 'the rest of a text (a line break in it is written \\n)' };
    if (sign !== '\\') continue;
    const isEscape = /^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(at, at + 6));
    if (!isEscape) return { at, wanted: 'the rest of a text (a backslash in it is written \\\\)' };
    at += 1;
  }
  return { at: text.length, wanted: 'the closing quotes of a text' };
}
