import { RequestError } from '../generation/errors.ts';

/**
 * The kind of a file, derived without reading it. Wiro derives the kind of an upload from the extension of its name:
 * `extension`, with its dot, is the one to use.
 */
export type FileKind =
  | { readonly kind: 'supported'; readonly extension: string }
  /** Wiro does not accept this kind. `name` describes it in a sentence. */
  | { readonly kind: 'unsupported'; readonly name: string }
  /** Only the bytes can tell. */
  | { readonly kind: 'undetermined' };

/** Wiro accepts no larger file: 100 MB. */
export const LARGEST_INPUT_BYTES = 100 * 1024 * 1024;

/** The extensions that Wiro accepts, with their Content-Types. */
const SUPPORTED: ReadonlyMap<string, string> = new Map([
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

/** The extensions that Wiro accepts, for a sentence. */
export const SUPPORTED_KINDS =
  'jpg, jpeg, png, gif, webp, heic, mp4, webm, mov, mp3, wav, m4a, pdf, csv, docx, xlsx, pptx, txt, md, epub and zip';

/** Other extensions of the same formats. */
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
 * Extensions of kinds that Wiro does not accept. An extension in neither list (`.v2`, `.0`, `.bak`) does not determine
 * the kind.
 */
const UNSUPPORTED: ReadonlySet<string> = new Set(
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

/** The extension to use for each Content-Type. */
const EXTENSION_OF_TYPE: ReadonlyMap<string, string> = new Map([
  ...[...SUPPORTED]
    .filter(([extension]) => extension !== 'jpeg')
    .map(([extension, type]): [string, string] => [type, extension]),
  // Common aliases.
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

/** The `application/…` types that Wiro certainly does not accept. Tools send the other ones for files of any kind. */
const OTHER_APPLICATION =
  /^application\/(?:(?:[\w.-]+\+)?json|x-ndjson|(?:[\w.-]+\+)?xml|yaml|rtf|msword|postscript|ogg|gzip|x-gzip|x-tar|x-bzip2|x-7z-compressed|vnd\.rar|x-rar-compressed|vnd\.ms-(?:excel|powerpoint)|vnd\.oasis\.opendocument\..+|vnd\.adobe\.photoshop|x-photoshop)$/;

const OTHER_MEDIA = /^(?:image|video|audio|text|font|model)\/[\w.+-]+$/;

/** Returns the kind of an object from its key, or else from its Content-Type. */
export function fileKind({
  key,
  contentType,
}: {
  readonly key: string;
  readonly contentType?: string;
}): FileKind {
  const named = extensionOf(key);
  const extension = SAME_FORMAT.get(named) ?? named;
  if (SUPPORTED.has(extension)) return { kind: 'supported', extension: `.${extension}` };
  if (UNSUPPORTED.has(extension)) return { kind: 'unsupported', name: `a .${named} file` };
  return kindOfType(contentType);
}

/** Returns the kind that a Content-Type names. */
export function kindOfType(contentType: string | undefined): FileKind {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  const extension = EXTENSION_OF_TYPE.get(type);
  if (extension !== undefined) return { kind: 'supported', extension: `.${extension}` };
  // HEIF may contain HEIC, which Wiro accepts.
  if (type === 'image/heif') return { kind: 'undetermined' };
  return OTHER_MEDIA.test(type) || OTHER_APPLICATION.test(type)
    ? { kind: 'unsupported', name: `of the type ${type}` }
    : { kind: 'undetermined' };
}

/** Returns the Content-Type to send with a supported extension. */
export const typeOfExtension = (extension: string): string =>
  SUPPORTED.get(extension.slice(1)) ?? 'application/octet-stream';

/**
 * Refuses an input that Wiro will certainly not accept.
 * @param field - The field that the error names.
 * @throws {RequestError} `input_unsupported`.
 */
export function requireSupportedKind(
  object: { readonly key: string; readonly contentType?: string },
  field: string,
): void {
  const found = fileKind(object);
  if (found.kind === 'unsupported')
    throw new RequestError(
      'input_unsupported',
      `${field}: ${explainUnsupported(object.key, found.name)}`,
      field,
    );
}

/** The sentence for a file that Wiro does not accept. */
export const explainUnsupported = (key: string, name: string): string =>
  `the object "${key}" is ${name}, which Wiro does not accept: convert it to one of ${SUPPORTED_KINDS}.`;

/** Returns `png` for `a/b.PNG`, or `''` for a name without an extension. */
function extensionOf(key: string): string {
  return /[^/]\.([a-z0-9]{1,11})$/i.exec(key)?.[1]?.toLowerCase() ?? '';
}
