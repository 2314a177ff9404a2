import { parseArgs } from 'node:util';
import { keepCompiled } from '../support/keep-compiled.ts';
import { judgeChaos } from './chaos-judge.ts';
import { reportChaos, reportWrongs } from './chaos-report.ts';
import { runChaos } from './chaos-run.ts';

// npm run chaos -- --generations 2000 --seed 7
keepCompiled();
const { values } = parseArgs({
  options: {
    generations: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '7' },
  },
});
const [generations, seed] = [Number(values.generations), Number(values.seed)];
if (!(Number.isInteger(generations) && generations > 0 && Number.isInteger(seed))) {
  console.error('Usage: npm run chaos -- --generations 2000 --seed 7');
  process.exit(2);
}

let shownAt = performance.now();
const result = await runChaos({
  generations,
  seed,
  onProgress: (ended) => {
    if (performance.now() - shownAt < 10_000) return;
    shownAt = performance.now();
    console.error(`${ended} of ${generations} have ended`);
  },
});
const wrongs = await judgeChaos(result);
await result.stop();
console.log(reportChaos(result));
if (wrongs.length > 0) console.error(`\n${reportWrongs(wrongs, result)}`);
else console.log('\nEvery generation is right, and none has two tasks.');
process.exit(wrongs.length > 0 ? 1 : 0);
