import { RequestError } from '../generation/errors.ts';

/**
 * What kind of file an object is, as far as it can be told without reading it. Wiro goes by the extension of the name
 * that an upload has: `extension` is the one to give it, with its dot.
 */
export type FileKind =
  | { readonly kind: 'taken'; readonly extension: string }
  /** A kind that Wiro does not take; `name` is how it was told, for a sentence. */
  | { readonly kind: 'notTaken'; readonly name: string }
  /** Only its bytes can tell. */
  | { readonly kind: 'open' };

/** What Wiro lists as accepted, and the Content-Type that goes with each extension. */
const TAKEN: ReadonlyMap<string, string> = new Map([
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['png', 'image/png'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['heic', 'image/heic'],
  ['mp4', 'video/mp4'],
  ['webm', 'video/webm'],
  ['mov', 'video/quicktime'],
  ['mp3', 'audio/mpeg'],
  ['wav', 'audio/wav'],
  ['m4a', 'audio/mp4'],
  ['pdf', 'application/pdf'],
  ['csv', 'text/csv'],
  ['docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  ['pptx', 'application/vnd.openxmlformats-officedocument.presentationml.presentation'],
  ['txt', 'text/plain'],
  ['md', 'text/markdown'],
  ['epub', 'application/epub+zip'],
  ['zip', 'application/zip'],
]);

/** As a person reads it: which files Wiro takes. */
export const KINDS_TAKEN =
  'jpg, jpeg, png, gif, webp, heic, mp4, webm, mov, mp3, wav, m4a, pdf, csv, docx, xlsx, pptx, txt, md, epub and zip';

/** Further names of the same formats. */
const SAME_FORMAT: ReadonlyMap<string, string> = new Map([
  ['jfif', 'jpg'],
  ['jpe', 'jpg'],
  ['pjpeg', 'jpg'],
  ['pjp', 'jpg'],
  ['m4v', 'mp4'],
  ['qt', 'mov'],
  ['wave', 'wav'],
  ['markdown', 'md'],
]);

/**
 * Extensions that name a kind which Wiro does not take. Any other that is not listed (`.v2`, `.0`, `.bak`) may be a
 * part of a name that says nothing.
 */
const NOT_TAKEN: ReadonlySet<string> = new Set(
  [
    'tif tiff bmp avif ico svg psd ai eps dng cr2 cr3 nef arw orf rw2 jxl jp2 exr hdr tga xcf',
    'avi mkv wmv flv mpg mpeg 3gp ogv m2ts mts vob',
    'ogg oga opus flac aac wma aiff aif amr midi',
    'doc xls ppt rtf odt ods odp mobi',
    'json jsonl xml yaml yml html htm sql parquet srt vtt tsv',
    'tar gz tgz bz2 xz zst 7z rar',
    'glb gltf obj stl ply fbx usdz blend',
  ].flatMap((line) => line.split(' ')),
);

/** Content-Types by the extension to give. */
const EXTENSION_OF_TYPE: ReadonlyMap<string, string> = new Map([
  ...[...TAKEN]
    .filter(([extension]) => extension !== 'jpeg')
    .map(([extension, type]): [string, string] => [type, extension]),
  // Other spellings in use.
  ['image/jpg', 'jpg'],
  ['image/pjpeg', 'jpg'],
  ['image/x-png', 'png'],
  ['video/x-m4v', 'mp4'],
  ['audio/mp3', 'mp3'],
  ['audio/x-wav', 'wav'],
  ['audio/wave', 'wav'],
  ['audio/vnd.wave', 'wav'],
  ['audio/x-m4a', 'm4a'],
  ['audio/m4a', 'm4a'],
  ['application/x-pdf', 'pdf'],
  ['application/csv', 'csv'],
  ['text/x-markdown', 'md'],
  ['application/x-zip-compressed', 'zip'],
]);

/** Of `application/…` only these say for certain that Wiro does not take it: tools send the rest for anything. */
const OTHER_APPLICATION =
  /^application\/(?:(?:[\w.-]+\+)?json|x-ndjson|(?:[\w.-]+\+)?xml|yaml|rtf|msword|postscript|ogg|gzip|x-gzip|x-tar|x-bzip2|x-7z-compressed|vnd\.rar|x-rar-compressed|vnd\.ms-(?:excel|powerpoint)|vnd\.oasis\.opendocument\..+|vnd\.adobe\.photoshop|x-photoshop)$/;

const OTHER_MEDIA = /^(?:image|video|audio|text|font|model)\/[\w.+-]+$/;

/** The kind of an object by its key, else by its Content-Type. */
export function fileKind({
  key,
  contentType,
}: {
  readonly key: string;
  readonly contentType?: string;
}): FileKind {
  const named = extensionOf(key);
  const extension = SAME_FORMAT.get(named) ?? named;
  if (TAKEN.has(extension)) return { kind: 'taken', extension: `.${extension}` };
  if (NOT_TAKEN.has(extension)) return { kind: 'notTaken', name: `a .${named} file` };
  return kindOfType(contentType);
}

/** The kind that a Content-Type names. */
export function kindOfType(contentType: string | undefined): FileKind {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  const extension = EXTENSION_OF_TYPE.get(type);
  if (extension !== undefined) return { kind: 'taken', extension: `.${extension}` };
  // HEIF may hold HEIC, which Wiro takes.
  if (type === 'image/heif') return { kind: 'open' };
  return OTHER_MEDIA.test(type) || OTHER_APPLICATION.test(type)
    ? { kind: 'notTaken', name: `of the type ${type}` }
    : { kind: 'open' };
}

/** The Content-Type to send with an extension that Wiro takes. */
export const typeOfExtension = (extension: string): string =>
  TAKEN.get(extension.slice(1)) ?? 'application/octet-stream';

/**
 * Refuses an input of which it is known already that Wiro will never take it.
 * @param field - As errors name it.
 * @throws {RequestError} `input_unsupported`.
 */
export function requireKindTaken(
  object: { readonly key: string; readonly contentType?: string },
  field: string,
): void {
  const found = fileKind(object);
  if (found.kind === 'notTaken')
    throw new RequestError('input_unsupported', `${field}: ${notTaken(object.key, found.name)}`, field);
}

/** The sentence for a file that Wiro does not take. */
export const notTaken = (key: string, name: string): string =>
  `the object "${key}" is ${name}, which Wiro does not take: convert it to one of ${KINDS_TAKEN}.`;

/** `png` of `a/b.PNG`; `''` without one. */
function extensionOf(key: string): string {
  return /[^/]\.([a-z0-9]{1,11})$/i.exec(key)?.[1]?.toLowerCase() ?? '';
}
