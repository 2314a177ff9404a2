import { createRequire } from 'node:module';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { measureLoadTimes, UNBUNDLED_SDK } from '../../../bench/load-time.ts';
import type { FunctionName } from '../../../functions/functions.ts';
import type { Bundle } from '../../../infra/build/bundle.ts';
import { describeBundle } from '../../../infra/build/bundle-report.ts';
import { bundlesOnce } from '../../support/bundles.ts';

let bundles: Readonly<Record<FunctionName, Bundle>>;
beforeAll(async () => {
  bundles = await bundlesOnce();
}, 60_000);

const indexOf = ({ directory }: Bundle) => path.join(directory, 'index.js');

describe('the deployed functions', () => {
  it('load in a new process with only the settings that their description lists', async () => {
    const loaded = Object.entries(bundles).map(([name, bundle]) => ({ name, modules: [indexOf(bundle)] }));

    await expect(measureLoadTimes(loaded, 1)).resolves.toHaveProperty('size', loaded.length);
  }, 60_000);

  it('start without an SDK or undici', async () => {
    for (const [name, bundle] of Object.entries(bundles)) {
      const atStart = (await describeBundle(bundle)).filter(({ isLoadedAtStart }) => isLoadedAtStart);

      const sources = atStart.flatMap((file) => Object.keys(file.sources));
      expect(
        sources.filter((source) => /@aws-sdk\/(?!util-dynamodb)|@smithy\/|\/undici\//.test(source)),
        name,
      ).toEqual([]);
    }
  });

  it('are small enough for Lambda to read quickly', async () => {
    for (const [name, bundle] of Object.entries(bundles)) {
      const files = await describeBundle(bundle);
      const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
      expect(sizeBytes, name).toBeLessThan(2_000_000);
    }
  });

  it('have their handler where Lambda expects it', () => {
    const require = createRequire(import.meta.url);
    const { directory, handler } = bundles.callback;

    const resolved = require.resolve(path.join(directory, `${handler.split('.')[0]}.js`));
    expect(resolved).toBe(indexOf(bundles.callback));
  });

  it('load `callback` in less than half the time of the unbundled S3 and DynamoDB clients', async () => {
    const callback = { name: 'callback', modules: [indexOf(bundles.callback)] };

    const medians = await measureLoadTimes([UNBUNDLED_SDK, callback], 5);

    // Compares processor time, because other tests run at the same time.
    const [unbundled, ours] = [medians.get(UNBUNDLED_SDK.name), medians.get('callback')];
    expect((ours?.processorMs ?? Number.NaN) / (unbundled?.processorMs ?? Number.NaN)).toBeLessThan(0.5);
  }, 120_000);
});
