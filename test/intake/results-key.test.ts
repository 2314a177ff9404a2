import { expect, it } from 'vitest';
import { resultsKey } from '../../functions/intake/results-key.ts';

const PUT = 'a'.repeat(26);

it('a results file is named by the request file, when that was put, and the put', () => {
  expect(resultsKey('2026/größe.json', '2026-03-31T21:00:05.000Z', PUT)).toBe(
    `results/2026/größe.json/2026-03-31T21-00-05Z-${PUT}.json`,
  );
});

it('a request file with the longest of names has a results file, and room for one beside it', () => {
  const key = resultsKey(`${'ü'.repeat(507)}.json`, '2026-03-31T21:00:05.000Z', PUT);

  expect(key).toMatch(/^results\/ü+\/2026-03-31T21-00-05Z-a+\.json$/);
  expect(Buffer.byteLength(key)).toBeLessThan(1_024 - 27);
});
