export interface ContentTypeEvidence {
  /** The first few hundred bytes, or all of a shorter file. */
  readonly head: Uint8Array;
  /** The host's header. */
  readonly header?: string;
  /** The type in Wiro's record. */
  readonly record?: string;
  /** A name with an extension. */
  readonly name?: string;
}

const UNKNOWN = 'application/octet-stream';
/** Types that hosts send for a file that they know nothing about. */
const GENERIC: ReadonlySet<string> = new Set([UNKNOWN, 'binary/octet-stream', 'application/unknown', 'raw']);

/** Types that a browser shows or plays without running code. Any other type is stored as unknown. */
const PASSIVE: ReadonlySet<string> = new Set([
  ...[
    'png',
    'jpeg',
    'gif',
    'webp',
    'heic',
    'heif',
    'avif',
    'bmp',
    'tiff',
    'jxl',
    'x-exr',
    'vnd.radiance',
  ].map((name) => `image/${name}`),
  ...['mp4', 'webm', 'quicktime', 'ogg', 'x-matroska', 'x-msvideo', 'mpeg'].map((name) => `video/${name}`),
  ...['mpeg', 'wav', 'mp4', 'ogg', 'opus', 'flac', 'aac', 'webm', 'midi'].map((name) => `audio/${name}`),
  ...['gltf-binary', 'gltf+json', 'obj', 'stl', 'ply', 'mtl', 'vnd.usdz+zip'].map((name) => `model/${name}`),
  ...['plain', 'csv', 'markdown', 'vtt'].map((name) => `text/${name}`),
  ...['json', 'x-ndjson', 'pdf', 'zip', 'gzip', 'epub+zip', 'x-subrip'].map((name) => `application/${name}`),
  ...['wordprocessingml.document', 'spreadsheetml.sheet', 'presentationml.presentation'].map(
    (name) => `application/vnd.openxmlformats-officedocument.${name}`,
  ),
]);

/** Other spellings of these types. */
const ALIASES: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/x-png': 'image/png',
  'audio/mp3': 'audio/mpeg',
  'audio/x-wav': 'audio/wav',
  'audio/wave': 'audio/wav',
  'audio/vnd.wave': 'audio/wav',
  'audio/x-m4a': 'audio/mp4',
  'audio/m4a': 'audio/mp4',
  'audio/x-flac': 'audio/flac',
  'video/x-m4v': 'video/mp4',
  'video/avi': 'video/x-msvideo',
  'text/json': 'application/json',
  'application/x-zip-compressed': 'application/zip',
  'application/x-pdf': 'application/pdf',
};

const BY_EXTENSION: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  heic: 'image/heic',
  avif: 'image/avif',
  bmp: 'image/bmp',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  webm: 'video/webm',
  mov: 'video/quicktime',
  mkv: 'video/x-matroska',
  avi: 'video/x-msvideo',
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  m4a: 'audio/mp4',
  ogg: 'audio/ogg',
  flac: 'audio/flac',
  glb: 'model/gltf-binary',
  gltf: 'model/gltf+json',
  obj: 'model/obj',
  stl: 'model/stl',
  ply: 'model/ply',
  usdz: 'model/vnd.usdz+zip',
  txt: 'text/plain',
  csv: 'text/csv',
  md: 'text/markdown',
  vtt: 'text/vtt',
  srt: 'application/x-subrip',
  json: 'application/json',
  jsonl: 'application/x-ndjson',
  pdf: 'application/pdf',
  zip: 'application/zip',
  epub: 'application/epub+zip',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
};

/** Formats that others are built on. The first bytes do not tell them apart, so a more precise name is believed. */
const BUILT_ON: Readonly<Record<string, RegExp>> = {
  'application/zip': /\+zip$|openxmlformats/,
  'application/json': /json$/,
  'text/plain': /^text\/|json$|x-subrip$|^model\/(obj|stl|ply|mtl|gltf\+json)$/,
  'video/mp4': /^audio\/mp4$/,
  'video/webm': /^audio\/webm$/,
  'audio/ogg': /^video\/ogg$|^audio\/opus$/,
};

/**
 * Decides the content type of a stored output. The first bytes count most, then the host, then Wiro's record, then the
 * extension. A type whose code a browser would run (HTML, SVG, XML, scripts) is never stored as such.
 */
export function decideContentType({ head, header, record, name }: ContentTypeEvidence): string {
  const named = [plainType(header), plainType(record), typeByExtension(name)].find(
    (type) => type !== undefined && !GENERIC.has(type),
  );
  const seen = sniff(head);
  if (seen === 'markup') return UNKNOWN;
  const declared = named !== undefined && PASSIVE.has(named) ? named : undefined;
  if (seen === undefined) return declared ?? UNKNOWN;
  // Text alone proves nothing: a script is text too.
  if (seen === 'text/plain' && named !== undefined && declared === undefined) return UNKNOWN;
  return declared !== undefined && BUILT_ON[seen]?.test(declared) ? declared : seen;
}

/** Whether a browser may show this type. A type that is not certainly harmless is saved as a file instead. */
export function isShownInline(contentType: string): boolean {
  return contentType !== UNKNOWN;
}

type Signature = readonly [offset: number, bytes: string, type: string];

const SIGNATURES: readonly Signature[] = [
  [0, '\x89PNG\r\n\x1a\n', 'image/png'],
  [0, '\xff\xd8\xff', 'image/jpeg'],
  [0, 'GIF87a', 'image/gif'],
  [0, 'GIF89a', 'image/gif'],
  [8, 'WEBP', 'image/webp'],
  [0, 'II*\0', 'image/tiff'],
  [0, 'MM\0*', 'image/tiff'],
  [8, 'WAVE', 'audio/wav'],
  [8, 'AVI ', 'video/x-msvideo'],
  [0, 'ID3', 'audio/mpeg'],
  [0, 'fLaC', 'audio/flac'],
  [0, 'OggS', 'audio/ogg'],
  [0, '%PDF-', 'application/pdf'],
  [0, 'PK\x03\x04', 'application/zip'],
  [0, '\x1f\x8b\x08', 'application/gzip'],
  [0, 'glTF', 'model/gltf-binary'],
];

/** Brands after `ftyp`. Every other brand is a video. */
const BRANDS: readonly (readonly [RegExp, string])[] = [
  [/^avi[fs]/, 'image/avif'],
  [/^(hei[cxms]|hev[cxms])/, 'image/heic'],
  [/^(mif1|msf1)/, 'image/heif'],
  [/^qt/, 'video/quicktime'],
  [/^M4[AB]/, 'audio/mp4'],
];

const MARKUP =
  /^(?:<\?xml|<!doctype|<!--|<!\[|<\?php|<%|<(?:html|head|body|script|style|svg|iframe|object|embed|img|a|b|h1|p|br|div|font|form|table|title|meta|link|base|math|x?html:\w+|svg:\w+|xsl:\w+|\w+:svg|\w+:html)[\s>/])/i;

/** Returns the type that the first bytes show. `markup` is any HTML or XML. */
export function sniff(head: Uint8Array): string | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 1024));
  const text = bytes.toString('latin1');
  const riffNeeded = (offset: number) => offset === 8 && !text.startsWith('RIFF');
  const match = SIGNATURES.find(
    ([offset, signature]) => text.startsWith(signature, offset) && !riffNeeded(offset),
  );
  if (match) return match[2];
  if (text.startsWith('ftyp', 4)) {
    const brand = text.slice(8, 12);
    return BRANDS.find(([pattern]) => pattern.test(brand))?.[1] ?? 'video/mp4';
  }
  if (text.startsWith('\x1a\x45\xdf\xa3'))
    return text.slice(0, 64).includes('webm') ? 'video/webm' : 'video/x-matroska';
  if (isMp3Frame(bytes)) return 'audio/mpeg';
  return sniffText(bytes);
}

/** Tests for frame sync and MPEG layer III, without a reserved version, bit rate or sample rate. */
function isMp3Frame([first = 0, second = 0, third = 0]: Uint8Array): boolean {
  return (
    first === 0xff &&
    (second & 0xe6) === 0xe2 &&
    (second & 0x18) !== 0x08 &&
    (third & 0xf0) !== 0xf0 &&
    (third & 0xf0) !== 0 &&
    (third & 0x0c) !== 0x0c
  );
}

function sniffText(bytes: Buffer): string | undefined {
  if (bytes.length === 0) return undefined;
  const text = decodeText(bytes);
  if (MARKUP.test(text.trimStart())) return 'markup';
  if (text.includes('\ufffd') || hasControlCharacters(text)) return undefined;
  return /^[[{]\s*["{[\]}\d\-tfn]/.test(text.trimStart()) ? 'application/json' : 'text/plain';
}

/** Control characters mark a binary file. White space does not, nor does the escape that colours terminal output. */
function hasControlCharacters(text: string): boolean {
  return /[^\s\x20-\uffff]/.test(text.replaceAll('\x1b', ''));
}

/** The last character may be cut in two. That does not mark a binary file. */
function decodeText(bytes: Buffer): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes, { stream: true });
}

/** Returns the type without parameters, in its usual spelling. */
export function plainType(text: string | undefined): string | undefined {
  const type = text?.split(';')[0]?.trim().toLowerCase();
  return type ? (ownOf(ALIASES, type) ?? type) : undefined;
}

/** Whether a type says nothing. Hosts and records use such types for files that they know nothing about. */
export const isGeneric = (type: string): boolean => GENERIC.has(type);

export const typeByExtension = (name: string | undefined): string | undefined =>
  ownOf(BY_EXTENSION, extensionOf(name));

/** A record may call a type or an extension `constructor`. */
const ownOf = (texts: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(texts, name) ? texts[name] : undefined;

/** Returns the extension in lower case, without its dot. */
export function extensionOf(name: string | undefined): string {
  return /\.([a-z0-9]{1,12})$/i.exec(name ?? '')?.[1]?.toLowerCase() ?? '';
}
