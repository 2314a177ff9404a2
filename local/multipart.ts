/** One part of a `multipart/form-data` body. Read its content before requesting the next part. */
export interface MultipartPart {
  readonly name: string;
  /** `undefined` for a plain field. */
  readonly fileName: string | undefined;
  readonly contentType: string | undefined;
  readonly content: AsyncIterable<Buffer>;
}

/** Returns the boundary of a `multipart/form-data` content type, or `undefined` for any other. */
export function multipartBoundary(contentType: string | undefined): string | undefined {
  if (!contentType?.toLowerCase().startsWith('multipart/form-data')) return undefined;
  const found = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  return found?.[1] ?? found?.[2];
}

/** Reads the parts one after the other as they arrive. Keeps only one chunk in memory. */
export async function* parseMultipart(
  body: AsyncIterable<Buffer>,
  boundary: string,
): AsyncGenerator<MultipartPart> {
  const source = body[Symbol.asyncIterator]();
  // Only the first boundary has no line break before it. This one makes it like the others.
  let buffer: Buffer = Buffer.from('\r\n');

  async function fill(): Promise<void> {
    const next = await source.next();
    if (next.done) throw new Error('The multipart body ends before its last boundary');
    buffer = buffer.length === 0 ? next.value : Buffer.concat([buffer, next.value]);
  }

  async function* upTo(delimiter: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const at = buffer.indexOf(delimiter);
      if (at >= 0) {
        const found = buffer.subarray(0, at);
        buffer = buffer.subarray(at + delimiter.length);
        if (found.length > 0) yield found;
        return;
      }
      const safe = buffer.length - delimiter.length + 1;
      if (safe > 0) {
        const certain = buffer.subarray(0, safe);
        buffer = buffer.subarray(safe);
        yield certain;
      }
      await fill();
    }
  }

  const separator = Buffer.from(`\r\n--${boundary}`);
  await gather(upTo(separator));
  for (;;) {
    while (buffer.length < 2) await fill();
    if (buffer.subarray(0, 2).equals(Buffer.from('--'))) break;
    await gather(upTo(Buffer.from('\r\n')));
    const head = (await gather(upTo(Buffer.from('\r\n\r\n')))).toString('utf8');
    yield { ...describePart(head), content: upTo(separator) };
  }
  // Reads the rest after the last boundary, because Node resets a connection with an unread body.
  while (!(await source.next()).done);
}

async function gather(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const gathered: Buffer[] = [];
  for await (const chunk of chunks) gathered.push(chunk);
  return Buffer.concat(gathered);
}

function describePart(head: string): Omit<MultipartPart, 'content'> {
  const disposition = /^content-disposition:.*$/im.exec(head)?.[0] ?? '';
  const quoted = (name: string) =>
    new RegExp(`[;\\s]${name}="((?:[^"\\\\]|\\\\.)*)"`, 'i')
      .exec(disposition)?.[1]
      ?.replace(/\\(.)/g, '$1')
      .replace(/%22/g, '"');
  return {
    name: quoted('name') ?? '',
    fileName: quoted('filename'),
    contentType: /^content-type:\s*(.+)$/im.exec(head)?.[1]?.trim(),
  };
}
