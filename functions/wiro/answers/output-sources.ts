import { parseJson } from './values.ts';

/** A piece of a JSON text. */
interface Span {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The outputs of one row, by the name of the list that they are in, each as it was written. */
export type OutputSources = (list: string) => readonly string[];

/**
 * What each output of an answer's tasks holds, as it was written: of a language model's answer its `content`. Read
 * and written again, a number of more than 53 bits would be another one.
 * @param answer - JSON that was parsed already: what is no JSON is not looked for here.
 * @returns For the number of a row, its outputs; those that are null are left out.
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

/** A list, or the text of one: Wiro writes lists in both ways. */
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

/** As a parser does, it takes the last of two with one name. */
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

/** Names may be written with escapes, and be of any length: only what may be this one is read. */
function isName(text: string, start: number, end: number, name: string): boolean {
  return end - start <= 6 * name.length + 2 && parseJson(text.slice(start, end)) === name;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && ' \n\r\t'.includes(text.charAt(at))) at += 1;
  return at;
}

/** @returns Where the value ends that starts there, however deep it is. */
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
      if (depth === 0) return at; // of what a number stands in
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
