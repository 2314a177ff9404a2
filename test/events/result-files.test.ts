import { expect, it } from 'vitest';
import { toResult, withResult } from '../../functions/events/result-files.ts';
import { EXAMPLES } from '../generation/examples.ts';

const { succeeded, failed } = EXAMPLES;
const request = { model: 'wiro/flux', parameters: {}, inputs: {}, labels: {} };
const outputs = Array.from({ length: 500 }, (_, index) => ({
  name: `${index}.png`,
  bucket: 'outputs',
  key: `outputs/x/1/${index}-${index}.png`,
  contentType: 'image/png',
  sizeBytes: 3,
  sha256: '0'.repeat(64),
}));
const whole = { generation: succeeded, request, outputs, pastAttempts: [], notes: {}, hints: [] };

it('lists all outputs in a file with few results', () => {
  const result = toResult(whole, { index: 0, total: 4 });

  expect(result.outputs).toHaveLength(500);
  expect(result).not.toHaveProperty('outputsTotal');
});

it('keeps a file of a thousand results readable, each with more outputs and text than fit', () => {
  const error = { code: 'model_failed', message: 'x'.repeat(2_000), retryable: true } as const;
  // A label of 900 characters stands for the largest of a thousand requests in a file of 1 MB.
  const labels = { a: 'y'.repeat(256), b: 'y'.repeat(256), c: 'y'.repeat(256) };
  const given = { ...whole, generation: { ...failed, error }, request: { ...request, labels } };
  const results = Array.from({ length: 1_000 }, (_, index) => ({
    ...toResult(given, { index, total: 1_000 }),
    id: String(index),
  }));

  const last = results.pop();
  const file = last && withResult({ results }, last, 1_000);

  expect(toResult(given, { index: 0, total: 1_000 })).toMatchObject({ outputsTotal: 500 });
  expect(toResult(given, { index: 0, total: 1_000 }).outputs).toHaveLength(11);
  expect(Buffer.byteLength(JSON.stringify(file, null, 2))).toBeLessThan(8 * 1024 * 1024);
});

it('keeps each result once, in the order of the requests, and counts the pending ones', () => {
  const result = (index: number, status = 'succeeded') => ({ index, id: `g${index}`, status });

  const file = [result(2), result(0), result(2, 'failed')].reduce<unknown>(
    (before, one) => withResult(before, one, 3),
    undefined,
  );

  expect(file).toEqual({ total: 3, pending: 1, results: [result(0), result(2, 'failed')] });
  expect(withResult(file, { index: 1, id: 'g1' }, 3)).toMatchObject({ pending: 0 });
});

it('keeps the result of a later attempt if the end of an earlier one is delivered after it', () => {
  const later = { index: 0, id: 'g0', attempt: 2, status: 'succeeded' };
  const file = withResult(undefined, later, 1);

  const after = withResult(file, { index: 0, id: 'g0', attempt: 1, status: 'failed' }, 1);

  expect(after).toBe(file);
  expect(withResult(file, { ...later, attempt: 3 }, 1)).toMatchObject({ results: [{ attempt: 3 }] });
});
