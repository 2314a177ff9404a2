import { extensionOf, isGeneric, plainType, sniff, typeByExtension } from './content-type.ts';

export interface OutputEvidence {
  /** The first few hundred bytes, or all of a shorter file. */
  readonly head: Uint8Array;
  /** The content type in Wiro's record. */
  readonly record?: string;
  /** A name with an extension. It counts if the record says nothing. */
  readonly name?: string;
}

export type OutputJudgement =
  /** `differingType`: the record's type, if the bytes are certainly of another format. */
  | { readonly kind: 'output'; readonly differingType?: string }
  /** An error page or nothing: the host sends this if it does not have the output. */
  | { readonly kind: 'notTheOutput'; readonly came: string; readonly wanted: string };

/** Binary extensions without a type of their own. They count if nothing else says what the output is. */
const BINARY_EXTENSIONS: ReadonlySet<string> = new Set([
  ...['heif', 'jxl', 'ico', 'psd', 'exr', 'aac', 'opus', 'wma', 'weba', 'mid'],
  ...['mpg', 'mpeg', 'wmv', 'flv', '3gp', 'tar', 'gz', 'tgz', 'bz2', 'xz', '7z', 'rar', 'zst'],
  ...['ttf', 'otf', 'woff', 'woff2', 'wasm', 'safetensors', 'ckpt', 'npy', 'npz', 'onnx', 'parquet', 'blend'],
]);

/** Text formats in families that are otherwise binary. */
const TEXT_FORMATS: ReadonlySet<string> = new Set([
  ...['x-xbitmap', 'x-xpixmap', 'x-eps', 'eps', 'vnd.dxf', 'vnd.radiance'].map((name) => `image/${name}`),
  ...['x-portable-anymap', 'x-portable-bitmap', 'x-portable-graymap', 'x-portable-pixmap'].map(
    (name) => `image/${name}`,
  ),
  ...['audio/mpegurl', 'audio/x-mpegurl', 'audio/x-scpls'],
]);

const BINARY_APPLICATIONS =
  /^application\/(?:zip|gzip|pdf|x-(?:tar|gtar|7z-compressed|rar-compressed|bzip2?|xz|hdf5?)|zstd|vnd\.(?:rar|ms-|openxmlformats|oasis|sqlite3)|msword|java-archive|wasm|.*\+zip)/;

const SVG = 'image/svg+xml';

/** Formats that the first bytes show with certainty, and all types in use for each. A container is one format. */
const FORMATS: readonly (readonly [RegExp, string])[] = [
  [/^image\/(png|jpeg|gif|webp|tiff|avif)$/, ''],
  [/^image\/hei[cf]$/, 'heif'],
  [/^image\/svg\+xml$/, 'svg'],
  [/^audio\/(wav|mpeg|flac)$/, ''],
  [/^video\/x-msvideo$/, 'avi'],
  [/^(audio|video)\/ogg$|^audio\/opus$/, 'ogg'],
  [/^video\/(mp4|quicktime)$|^audio\/mp4$/, 'mp4'],
  [/^video\/(webm|x-matroska)$|^audio\/webm$/, 'matroska'],
  [/^application\/(pdf|gzip)$|^model\/gltf-binary$/, ''],
  [/^application\/zip$|\+zip$|openxmlformats/, 'zip'],
  [/^text\/|^application\/(json|x-ndjson|x-subrip)$/, 'text'],
];

/** Compares an output's first bytes with Wiro's record. */
export function judgeOutput({ head, record, name }: OutputEvidence): OutputJudgement {
  const recorded = plainType(record);
  const said = recorded !== undefined && !isGeneric(recorded) ? recorded : undefined;
  const wanted = said ?? typeByExtension(name) ?? `.${extensionOf(name)}`;
  const seen = sniff(head);
  const root = seen === 'markup' ? rootOf(head) : undefined;
  const isText = seen === 'markup' || seen === 'text/plain' || seen === 'application/json';
  const came = head.length === 0 ? 'nothing at all' : seen === 'markup' ? 'a page of HTML or XML' : 'a text';

  if (isBinary(wanted)) {
    // An SVG is XML, and an image too. If the record names another image format, that is reported below.
    const isPicture = root === 'svg' && wanted.startsWith('image/');
    if (head.length === 0 || (isText && !isPicture)) return { kind: 'notTheOutput', came, wanted };
  } else if (wanted === SVG || extensionOf(name) === 'svg') {
    const isOther = root === undefined ? seen !== 'markup' : root !== 'svg';
    if (head.length === 0 || (isText && isOther)) return { kind: 'notTheOutput', came, wanted };
  }
  const seenFormat = root === 'svg' ? 'svg' : formatOf(seen);
  const saidFormat = formatOf(said);
  const isDifferent = seenFormat !== undefined && saidFormat !== undefined && seenFormat !== saidFormat;
  return isDifferent && said !== undefined ? { kind: 'output', differingType: said } : { kind: 'output' };
}

/** @param wanted - A type, or an extension with its dot. */
function isBinary(wanted: string): boolean {
  if (wanted.startsWith('.')) return BINARY_EXTENSIONS.has(wanted.slice(1));
  if (TEXT_FORMATS.has(wanted) || /[+/]xml$/.test(wanted)) return false;
  return /^(?:image|video|audio|font)\//.test(wanted) || wanted === 'model/gltf-binary'
    ? true
    : BINARY_APPLICATIONS.test(wanted) || wanted === 'model/vnd.usdz+zip';
}

/**
 * Whether a stored output may be of another format than Wiro's record says. `judgeOutput` has decided that by bytes that
 * are no longer at hand. This decides by the stored type.
 */
export function mayDiffer(storedType: string, record: string | undefined): boolean {
  const said = formatOf(plainType(record));
  const stored = formatOf(storedType);
  // An SVG is stored with an unknown type, see `decideContentType`.
  return said !== undefined && stored !== said && !(stored === undefined && said === 'svg');
}

function formatOf(type: string | undefined): string | undefined {
  const format = FORMATS.find(([pattern]) => type !== undefined && pattern.test(type));
  return format && (format[1] || type);
}

/** Returns the name of the first element without its prefix; `undefined` if the first bytes do not contain it. */
function rootOf(head: Uint8Array): string | undefined {
  let rest = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 1024))
    .toString('utf8')
    .replace(/^\ufeff/, '');
  for (;;) {
    rest = rest.trimStart();
    const [, doctype] = /^<!doctype\s+(?:\w+:)?(\w+)/i.exec(rest) ?? [];
    if (doctype !== undefined) return doctype.toLowerCase();
    const end = rest.startsWith('<?') ? '?>' : rest.startsWith('<!--') ? '-->' : undefined;
    if (end === undefined) return /^<(?:\w+:)?(\w+)/.exec(rest)?.[1]?.toLowerCase();
    const at = rest.indexOf(end);
    if (at < 0) return undefined;
    rest = rest.slice(at + end.length);
  }
}
