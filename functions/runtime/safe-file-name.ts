import { cutToBytes } from './cut-to-bytes.ts';

const MAX_STEM_BYTES = 96;

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
