import path from 'node:path';
import type { GenerationRecord } from '../../functions/api/record.ts';

export interface DemoResult {
  readonly record: GenerationRecord;
  /** Local copies of the outputs, in the record's order. */
  readonly files: readonly string[];
  /** From the request to the local copies. */
  readonly tookMs: number;
  /** Whether the simulator made the outputs. */
  readonly isSimulated: boolean;
}

/** Formats the record and the locations of its outputs for a terminal. */
export function summaryOf({ record, files, tookMs, isSimulated }: DemoResult): string {
  const { id, model, status, attempt, taskId, parameters, inputs, outputs, costUsd, elapsedSeconds } = record;
  const rows: [string, string][] = [
    ['Generation', `${id} (attempt ${attempt}${taskId ? `, task ${taskId}` : ''})`],
    ['Status', status],
    ['Model', isSimulated ? `${model} (simulated: the pictures show your inputs, not what it makes)` : model],
    ['Parameters', JSON.stringify(parameters)],
    ['Inputs', JSON.stringify(inputs)],
    ...outputs.map(({ bucket, key, contentType, sizeBytes, sha256 }): [string, string] => [
      'Image in S3',
      `s3://${bucket}/${key}\n${contentType}, ${sizeBytes.toLocaleString('en')} bytes, SHA-256 ${sha256.slice(0, 16)}… checked`,
    ]),
    ...files.map((file): [string, string] => ['Copy', path.relative('', file)]),
    [
      'Time',
      `${(tookMs / 1000).toFixed(1)} s${elapsedSeconds === undefined ? '' : `, the task itself ${elapsedSeconds} s`}`,
    ],
    [
      'Cost',
      `${costUsd === undefined ? 'unknown' : `$${costUsd}`}${isSimulated ? ' (simulated: nothing is charged)' : ''}`,
    ],
    ['Next', 'npm start: the same as a page in your browser, with models, history and code to copy'],
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows
    .map(([name, value]) => name.padEnd(width) + value.replaceAll('\n', `\n${' '.repeat(width)}`))
    .join('\n');
}
