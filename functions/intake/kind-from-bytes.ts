import { decideContentType } from '../outputs/content-type.ts';
import { type FileKind, kindOfType } from '../request/file-kind.ts';

/** The bytes at the beginning of a file that show its kind. An Office document shows it in the names of its first parts. */
export const KIND_BYTES = 4 * 1024;

/** Decides the kind of a file by its first bytes. `undetermined` if they match no kind. */
export function kindFromBytes(head: Uint8Array): FileKind {
  const type = decideContentType({ head });
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1');
  switch (type) {
    case 'application/zip':
      return { kind: 'supported', extension: extensionOfZip(text) };
    // Any text that begins with a bracket looks like JSON.
    case 'application/json':
      return { kind: 'supported', extension: '.txt' };
    // The first brand of a file does not always say how its image is coded.
    case 'image/heif':
      return /^.{16,60}hei[cx]/s.test(text)
        ? { kind: 'supported', extension: '.heic' }
        : { kind: 'unsupported', name: `of the type ${type}` };
    default:
      return kindOfType(type);
  }
}

/** Wiro unpacks a `.zip`. So other formats that are built on it must not be sent under that extension. */
function extensionOfZip(text: string): string {
  if (text.startsWith('mimetypeapplication/epub+zip', 30)) return '.epub';
  if (!text.startsWith('[Content_Types].xml', 30) && !text.startsWith('_rels/', 30)) return '.zip';
  const part = /PK.{28}(word|xl|ppt)\//s.exec(text)?.[1];
  return part === 'word' ? '.docx' : part === 'xl' ? '.xlsx' : part === 'ppt' ? '.pptx' : '.zip';
}
