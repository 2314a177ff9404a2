export interface OutputKeyParts {
  /** The generation's own folder. Ends in `/`. */
  readonly folder: string;
  readonly attempt: number;
  /** The output's index in the task's list. Only the index tells two outputs apart. */
  readonly index: number;
  /** Wiro's name. Only its harmless characters are used. */
  readonly name: string;
}

const MAX_STEM_BYTES = 96;

/** Returns the key of an output. The same output always has the same key, and no two outputs share one. */
export function outputKey({ folder, attempt, index, name }: OutputKeyParts): string {
  return `${folder}${attempt}/${index}-${safeFileName(name)}`;
}

/**
 * Makes a file name of any text: letters, digits, `.`, `_` and `-`, in one path segment of at most 96 bytes
 * and an extension. Never empty, `.` or `..`.
 */
export function safeFileName(name: string): string {
  const segment = name.toWellFormed().normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const { stem = '', extension = '' } =
    /^(?<stem>.*?)(?<extension>\.[a-z0-9]{1,10})?$/is.exec(segment)?.groups ?? {};
  const safe = stem
    .replace(/[^\p{L}\p{M}\p{N}._-]+/gu, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/-{2,}/g, '-')
    .replace(/^[-.]+/, '');
  return `${cutToBytes(safe, MAX_STEM_BYTES).replace(/[-.]+$/, '') || 'output'}${extension.toLowerCase()}`;
}

function cutToBytes(text: string, maxBytes: number): string {
  let cut = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    cut += character;
  }
  return cut;
}
