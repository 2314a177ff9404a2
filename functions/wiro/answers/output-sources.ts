import { parseJson } from '../../runtime/json.ts';

/** A section of a JSON text. */
interface Span {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Returns the original JSON of each output of one row. `list` is the name of the field that contains them. */
export type OutputSources = (list: string) => readonly string[];

/**
 * Finds the original JSON of the outputs in an answer: the `content` of a language model's answer, or else the whole
 * output. Parsing and serializing it again would change numbers of more than 53 bits.
 * @param answer - Must be valid JSON.
 * @returns A function from the index of a row to its outputs. Null outputs are left out.
 */
export function createOutputSources(answer: string): (row: number) => OutputSources {
  let rows: readonly Span[] | undefined;
  return (row) => (list) => {
    rows ??= itemsOf(memberOf(whole(answer), 'tasklist'));
    const given = memberOf(rows[row], list);
    if (given === undefined) return [];
    const outputs = listOf(given) ? itemsOf(given) : [given];
    return outputs
      .filter((output) => sourceOf(output) !== 'null')
      .map((output) => sourceOf(memberOf(output, 'content') ?? output));
  };
}

const sourceOf = ({ text, start, end }: Span) => text.slice(start, end);

function whole(text: string): Span {
  const start = skipSpace(text, text.startsWith('\uFEFF') ? 1 : 0);
  return { text, start, end: skipValue(text, start) };
}

/** Finds a list that is written as an array or as a JSON string of one. Wiro uses both. */
function listOf(span: Span): Span | undefined {
  const first = span.text[span.start];
  if (first === '[') return span;
  const inner = first === '"' ? parseJson(sourceOf(span)) : undefined;
  if (typeof inner !== 'string' || !Array.isArray(parseJson(inner))) return undefined;
  return whole(inner);
}

function itemsOf(span: Span | undefined): readonly Span[] {
  const list = span && listOf(span);
  if (list === undefined) return [];
  const { text } = list;
  const items: Span[] = [];
  let at = skipSpace(text, list.start + 1);
  while (at < list.end && text[at] !== ']') {
    const end = skipValue(text, at);
    items.push({ text, start: at, end });
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return items;
}

/** Finds a member by name: the last one if the name occurs twice, as `JSON.parse` does. */
function memberOf(span: Span | undefined, name: string): Span | undefined {
  if (span === undefined || span.text[span.start] !== '{') return undefined;
  const { text } = span;
  let found: Span | undefined;
  let at = skipSpace(text, span.start + 1);
  while (at < span.end && text[at] !== '}') {
    const nameEnd = skipValue(text, at);
    const isFound = isName(text, at, nameEnd, name);
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = skipValue(text, start);
    if (isFound) found = { text, start, end };
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return found;
}

/** Compares a written name, which may contain escapes. Skips a text that is too long to be this name. */
function isName(text: string, start: number, end: number, name: string): boolean {
  return end - start <= 6 * name.length + 2 && parseJson(text.slice(start, end)) === name;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && ' \n\r\t'.includes(text.charAt(at))) at += 1;
  return at;
}

/** Returns the end of the value that begins at `start`, at any depth. */
function skipValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') {
      at = closingQuote(text, at);
      if (depth === 0) return at + 1;
    } else if (character === '{' || character === '[') {
      depth += 1;
    } else if (character === '}' || character === ']') {
      if (depth === 0) return at; // the bracket closes the parent of a number
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (character === ',' || ' \n\r\t'.includes(character ?? ''))) {
      return at;
    }
  }
  return text.length;
}

function closingQuote(text: string, opening: number): number {
  let at = opening + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}
