import { describe, expect, it } from 'vitest';
import { findGrowth } from '../../bench/count-calls.ts';
import { AT_START, type CallLimits } from '../../bench/limits.ts';
import type { FunctionName } from '../../functions/functions.ts';
import { describeBundle, sizeByPackage } from '../../infra/build/bundle-report.ts';
import { bundlesOnce } from '../support/bundles.ts';

/** Only for outputs whose host does not answer plainly, and without HTTP/2 and the second parser. */
const MOST_UNDICI_KB: Partial<Record<string, number>> = { callback: 300 };

it('a function loads no more at its start than the table of limits allows', async () => {
  const grown: string[] = [];
  for (const [name, bundle] of Object.entries(await bundlesOnce())) {
    const files = await describeBundle(bundle);
    const atStart = files.filter(({ isLoadedAtStart }) => isLoadedAtStart);
    const kb = Math.ceil(atStart.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1_000);
    const modules = atStart.reduce((sum, { sources }) => sum + Object.keys(sources).length, 0);
    const most = AT_START[name as FunctionName];
    if (kb > most.kb || modules > most.modules)
      grown.push(`${name}: ${kb} kB of ${most.kb}, ${modules} modules of ${most.modules}`);
    const undiciKb = Math.ceil((new Map(sizeByPackage(files)).get('undici') ?? 0) / 1_000);
    if (undiciKb > (MOST_UNDICI_KB[name] ?? 0)) grown.push(`${name}: ${undiciKb} kB of undici`);
  }

  expect(grown).toEqual([]);
});

describe('the limit of calls', () => {
  const callback: CallLimits = { 'PutItem state': [4, 13, 0, 0], 'S3 PUT': [2, 0, 0, 2] };
  const counted = (calls: CallLimits) => ({ api: {}, submit: {}, callback: calls, reconcile: {} });

  it('names the calls that grew, with what they were', () => {
    const more = counted({ ...callback, 'PutItem state': [5, 16, 0, 0], 'GetItem gate': [1, 0, 1, 0] });

    expect(findGrowth({ callback }, [more])).toEqual([
      'callback: 8 requests, at most 6. It grew: PutItem state 4 → 5, GetItem gate 0 → 1',
      'callback: 16 write units, at most 13. It grew: PutItem state 13 → 16',
      'callback: 1 read units, at most 0. It grew: GetItem gate 0 → 1',
    ]);
  });

  it('judges the generation that needed least, and the sum of a function', () => {
    const oftener = counted({ ...callback, 'PutItem state': [6, 20, 0, 0] });
    const otherwise = counted({ 'UpdateItem state': [4, 13, 0, 0], 'S3 PUT': [2, 0, 0, 2] });

    expect(findGrowth({ callback }, [oftener, counted(callback)])).toEqual([]);
    expect(findGrowth({ callback }, [otherwise])).toEqual([]);
  });
});
