import { expect, it } from 'vitest';
import { tellKnown } from '../../functions/events/tell-known.ts';
import type { Generation } from '../../functions/generation/generation.ts';
import { EXAMPLES } from '../generation/examples.ts';

const place = { bucket: 'photos', key: 'results/a.json/second.json', total: 3 };
const first = { bucket: 'photos', key: 'results/a.json/first.json', index: 0, total: 2 };

/** Generations by id, and the file that is told. */
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

it('requests that an earlier file brought stand in the new one as they are, with the place of their end', async () => {
  const { file, deps } = tellWorld({
    ended: { generation: EXAMPLES.failed, results: first },
    runs: { generation: EXAMPLES.running, results: first },
  });

  await tellKnown(deps, place, [
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

it('those of the file itself, delivered again, are told when they end', async () => {
  const { file, deps } = tellWorld({
    own: { generation: EXAMPLES.running, results: { ...first, ...place } },
  });

  await tellKnown(deps, place, [{ id: 'own', index: 0 }]);

  expect(file).toEqual({});
});
