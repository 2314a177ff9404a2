export interface DataOfUrl {
  readonly contentType?: string;
  readonly bytes: Buffer;
}

/**
 * Reads a `data:` URL. Returns `undefined` if it is malformed.
 * @see https://www.rfc-editor.org/rfc/rfc2397
 */
export function readDataUrl(url: string): DataOfUrl | undefined {
  const comma = url.indexOf(',');
  if (!/^data:/i.test(url) || comma < 0) return undefined;
  const parts = url.slice('data:'.length, comma).split(';');
  const isBase64 = parts.length > 1 && parts.at(-1)?.trim().toLowerCase() === 'base64';
  const contentType = (isBase64 ? parts.slice(0, -1) : parts).join(';').trim();
  const decoded = decodePercent(url.slice(comma + 1));
  const bytes = isBase64 ? decodeBase64(decoded.toString('latin1')) : decoded;
  return bytes && { bytes, ...(contentType !== '' && { contentType }) };
}

/** Returns `undefined` for malformed Base64. Buffer's own decoder would skip the malformed characters. */
function decodeBase64(text: string): Buffer | undefined {
  const plain = text.replace(/\s/g, '');
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(plain) ? Buffer.from(plain, 'base64') : undefined;
}

function decodePercent(text: string): Buffer {
  const bytes = Buffer.from(text);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const escaped =
      bytes[at] === 0x25 ? /^[0-9a-f]{2}$/i.exec(bytes.toString('latin1', at + 1, at + 3)) : null;
    bytes[length] = escaped ? Number.parseInt(escaped[0], 16) : (bytes[at] ?? 0);
    if (escaped) at += 2;
    length += 1;
  }
  return bytes.subarray(0, length);
}
