import { expect, it } from 'vitest';
import { reportKnown } from '../../functions/events/report-known.ts';
import type { Generation } from '../../functions/generation/generation.ts';
import { EXAMPLES } from '../generation/examples.ts';

const place = { bucket: 'photos', key: 'results/a.json/second.json', total: 3 };
const first = { bucket: 'photos', key: 'results/a.json/first.json', index: 0, total: 2 };

/** Generations by id, and the results file. */
function tellWorld(given: Readonly<Record<string, { generation: Generation; results?: typeof first }>>) {
  const file: { value?: unknown } = {};
  return {
    file,
    deps: {
      generations: {
        whole: async (id: string) => {
          const one = given[id];
          if (one === undefined) return undefined;
          const { generation, results } = one;
          const request = {
            model: 'wiro/flux',
            parameters: {},
            inputs: {},
            labels: {},
            ...(results && { results }),
          };
          return {
            generation: { ...generation, id },
            request,
            outputs: [],
            pastAttempts: [],
            notes: {},
            hints: [],
          };
        },
      },
      results: {
        update: async (_: unknown, change: (value: unknown) => unknown) => {
          file.value = change(file.value);
        },
      },
    },
  };
}

it('adds requests of an earlier file with their status and the place of their end', async () => {
  const { file, deps } = tellWorld({
    ended: { generation: EXAMPLES.failed, results: first },
    runs: { generation: EXAMPLES.running, results: first },
  });

  await reportKnown(deps, place, [
    { id: 'runs', index: 2 },
    { id: 'ended', index: 0 },
  ]);

  expect(file.value).toMatchObject({
    total: 3,
    pending: 1,
    results: [
      { index: 0, id: 'ended', status: 'failed', error: { code: 'model_failed' } },
      { index: 2, id: 'runs', status: 'running', toldIn: 's3://photos/results/a.json/first.json' },
    ],
  });
});

it('skips requests of the file itself after a repeated delivery', async () => {
  const { file, deps } = tellWorld({
    own: { generation: EXAMPLES.running, results: { ...first, ...place } },
  });

  await reportKnown(deps, place, [{ id: 'own', index: 0 }]);

  expect(file).toEqual({});
});
