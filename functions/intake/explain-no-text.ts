import type { GenerationError } from '../generation/errors.ts';
import { decideContentType, isGeneric } from '../outputs/content-type.ts';
import { isTableName } from '../request/read-table.ts';
import { KIND_BYTES } from './kind-from-bytes.ts';

/**
 * Explains that a file is not text, for example an image that was put as a request file.
 * @param name - Its key.
 */
export function explainNoText(bytes: Buffer, name: string): GenerationError {
  return { code: 'invalid_request', message: sentenceFor(bytes, name), retryable: false };
}

function sentenceFor(bytes: Buffer, name: string): string {
  const isUtf16 = bytes.subarray(0, 2).equals(UTF_16_LE) || bytes.subarray(0, 2).equals(UTF_16_BE);
  const encoding = isUtf16 ? ' but text in UTF-16' : '';
  const type = isUtf16 ? undefined : decideContentType({ head: bytes.subarray(0, KIND_BYTES), name });
  if (/\.xls[xmb]?$|\.ods$|\.numbers$/i.test(name) || type?.includes('spreadsheetml'))
    return 'The file is a workbook of a spreadsheet program. Save its table as "CSV UTF-8" instead, with columns such as model,prompt,inputImage.';
  const isText = type === undefined || isGeneric(type) || /^text\/|json$/.test(type);
  if (isText && isTableName(name)) return `The file is not CSV in UTF-8${encoding}: save it as "CSV UTF-8".`;
  if (isText) return `The file is not JSON in UTF-8${encoding}: save it in that encoding.`;
  return `The file is not JSON but ${DOCUMENTS[type] ?? `of the type ${type}`}. ${ELSEWHERE}`;
}

/** Everyday names of files whose content types have long names. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  'application/pdf': 'a PDF',
  'application/zip': 'a zip archive',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'a Word document',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'a PowerPoint presentation',
};

export const ELSEWHERE =
  'Put files that a model is to work on elsewhere in the bucket, and name them in a request file: {"model": "owner/project", "inputs": {"inputImage": "photo.png"}}.';

const UTF_16_LE = Buffer.from([0xff, 0xfe]);
const UTF_16_BE = Buffer.from([0xfe, 0xff]);
