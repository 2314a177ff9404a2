import { expect, it } from 'vitest';
import { resultsKey } from '../../functions/intake/results-key.ts';

const PUT = 'a'.repeat(26);

it('a results file is named by the request file, the time of the put, and the put', () => {
  expect(resultsKey('2026/größe.json', '2026-03-31T21:00:05.000Z', PUT)).toBe(
    `results/2026/größe.json/2026-03-31T21-00-05Z-${PUT}.json`,
  );
});

it('a request file with the longest name has a results file, with room for another key beside it', () => {
  const key = resultsKey(`${'ü'.repeat(507)}.json`, '2026-03-31T21:00:05.000Z', PUT);

  expect(key).toMatch(/^results\/ü+\/2026-03-31T21-00-05Z-a+\.json$/);
  expect(Buffer.byteLength(key)).toBeLessThan(1_024 - 27);
});
