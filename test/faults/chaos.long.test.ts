import { expect, it } from 'vitest';
import { judgeChaos } from './chaos-judge.ts';
import { reportWrongs } from './chaos-report.ts';
import { runChaos } from './chaos-run.ts';

it('brings 200 generations to their true end through everything that goes wrong', async () => {
  const result = await runChaos({ generations: 200, seed: 25 });

  const wrongs = await judgeChaos(result).finally(result.stop);

  expect(wrongs, reportWrongs(wrongs, result)).toEqual([]);
}, 600_000);
