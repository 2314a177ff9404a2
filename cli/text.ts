import { stripVTControlCharacters } from 'node:util';

/**
 * Makes one harmless line of a text from outside: without escape sequences, other control characters, and characters
 * that reverse or hide text.
 */
export const plain = (text: string): string =>
  withoutControls(withoutSequences(text).replace(/\s+/g, ' ')).trim();

/** As `plain`, but keeps the lines, for example of a model's answer. */
export const plainLines = (text: string): string =>
  withoutSequences(text)
    .split(/\r\n|[\r\n]/)
    .map((line) => withoutControls(line.replaceAll('\t', '  ')).trimEnd())
    .join('\n');

/** Without the beginnings of sequences that never end: Node would look for the end of each in all of the text. */
function withoutSequences(text: string): string {
  const ended = Math.max(...['\u0007', '\u009c', '\u001b\\'].map((end) => text.lastIndexOf(end))) + 1;
  const open = text.slice(ended).replaceAll('\u001b]', '\u0000');
  return stripVTControlCharacters(text.slice(0, ended) + open);
}

/** A zero-width joiner makes one picture of several emoji. */
const withoutControls = (text: string): string =>
  text.toWellFormed().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (found) => (found === '\u200d' ? found : ''));

/** JSON of the same value that no terminal takes for a command. */
export const toJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** For example `$0.04`. Amounts below a hundredth of a cent keep two digits that count. */
export function formatUsd(usd: number): string {
  if (usd !== 0 && Math.abs(usd) < 0.0001) return `$${usd.toPrecision(2)}`;
  const text = usd.toFixed(4);
  return `$${text.replace(/(\.\d\d)(\d*?)0+$/, '$1$2')}`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  for (const [unit, size] of [
    ['kB', 1e3],
    ['MB', 1e6],
    ['GB', 1e9],
  ] as const)
    if (bytes < size * 999.5 || unit === 'GB') return `${(bytes / size).toPrecision(3)} ${unit}`;
  return `${bytes} B`;
}

/** For example `4 s`, `3 min`, `5 h`, `2 d`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 120 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3_600) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** Lays out rows in columns. The last column takes what is left of `width`. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { width = Number.POSITIVE_INFINITY }: { readonly width?: number } = {},
): string {
  const lines = [head, ...rows].map((cells) => cells.map(plain));
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => lengthOf(cells[column] ?? ''))));
  return lines
    .map((cells) => {
      const line = cells
        .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - lengthOf(cell))))
        .join('  ')
        .trimEnd();
      return lengthOf(line) > width ? `${[...line].slice(0, Math.max(1, width - 1)).join('')}…` : line;
    })
    .join('\n');
}

/** Lays out names and values. Values may have several lines. */
export function fields(rows: readonly (readonly [name: string, value: string | undefined])[]): string {
  const given = rows.filter((row): row is [string, string] => row[1] !== undefined && row[1] !== '');
  const width = Math.max(0, ...given.map(([name]) => lengthOf(name))) + 2;
  return given
    .map(([name, value]) => name.padEnd(width) + plainLines(value).replaceAll('\n', `\n${' '.repeat(width)}`))
    .join('\n');
}

const lengthOf = (text: string): number => [...text].length;

/** For example `1 generation`, `2 generations`. */
export const count = (number: number, noun: string): string =>
  `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
