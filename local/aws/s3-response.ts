import type { Readable } from 'node:stream';
import { writeXml, type XmlElements } from './s3-xml.ts';

/** The response of an operation. */
export interface S3Response {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readable;
}

export function xmlResponse(root: string, content: XmlElements, status = 200): S3Response {
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body: writeXml(root, content),
  };
}
