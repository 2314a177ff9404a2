import { expect, it } from 'vitest';
import { countCalls, findGrowth } from '../../bench/count-calls.ts';
import { CALLS } from '../../bench/limits.ts';
import { bundlesOnce } from '../support/bundles.ts';

it('a generation makes no more requests, writes and reads than the table of limits allows', async () => {
  const bundles = await bundlesOnce();
  const [upload, presigned] = await Promise.all(
    (['upload', 'presigned'] as const).map((inputHandover) => countCalls({ inputHandover, bundles })),
  );

  expect(findGrowth(CALLS.upload, upload ?? []), 'inputs uploaded').toEqual([]);
  expect(findGrowth(CALLS.presigned, presigned ?? []), 'inputs presigned').toEqual([]);
}, 120_000);
