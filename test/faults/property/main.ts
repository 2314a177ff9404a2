import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { keepCompiled } from '../../support/keep-compiled.ts';
import { anyScript } from './arbitrary-script.ts';
import { describeRun } from './report.ts';
import { runScript } from './run-script.ts';
import { singleFaults } from './single-faults.ts';

// `npm run property`: any script at all, as often as is asked for.
keepCompiled();
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    path: { type: 'string' },
    /** Tells of everything that fails, and makes none of it small. */
    all: { type: 'boolean', default: false },
    /** Ends with the first that fails, as it is. */
    first: { type: 'boolean', default: false },
    each: { type: 'string' },
  },
});
if (values.each !== undefined) {
  await runEach(values.each);
  process.exit();
}
const begun = performance.now();
let [days, runs, generations] = [0, 0, 0];
const ends = new Map<string, number>();
const SLOW_MS = 20_000;
const property = fc.asyncProperty(anyScript, async (script) => {
  const started = performance.now();
  const result = await runScript(script);
  if (performance.now() - started > SLOW_MS) console.log(`slow:\n${describeRun(script, result)}`);
  runs += 1;
  if (runs % 50 === 0) console.log(`${runs} runs, ${Math.round((performance.now() - begun) / 1_000)} s`);
  days += result.days;
  generations += result.ends.length;
  for (const end of result.ends) ends.set(end, (ends.get(end) ?? 0) + 1);
  if (result.broken.length > 0) {
    if (values.all) console.log(`${describeRun(script, result)}\n`);
    else throw new Error(describeRun(script, result));
  }
});
const details = await fc.check(property, {
  seed: Number(values.seed),
  numRuns: Number(values.runs),
  endOnFailure: values.first,
  ...(values.path !== undefined && { path: values.path }),
});
const seconds = (performance.now() - begun) / 1_000;
if (details.failed) {
  console.log(details.errorInstance instanceof Error ? details.errorInstance.message : details.errorInstance);
  console.log(`\nafter ${details.numRuns} runs and ${details.numShrinks} steps to make it small`);
  console.log(`again: npm run property -- --seed ${details.seed} --path ${details.counterexamplePath}`);
}
for (const [end, count] of [...ends].sort(([, one], [, other]) => other - one))
  console.log(`${String(count).padStart(8)} ${end}`);
console.log(
  `${runs} runs, ${generations} generations, ${days.toFixed(0)} virtual days, ${seconds.toFixed(0)} s`,
);
process.exitCode = details.failed ? 1 : 0;

/** Every fault by itself, for ever, whose name has a part in it. */
async function runEach(part: string): Promise<void> {
  for (const { name, script } of singleFaults()) {
    if (!name.includes(part)) continue;
    const begun = performance.now();
    const result = await runScript(script);
    const isRight = result.broken.length === 0;
    if (!isRight) process.exitCode = 1;
    console.log(
      `${isRight ? '✓' : '✗'} ${name} → ${result.ends.join(', ')} after ${(result.days * 24).toFixed(2)} h (${Math.round(performance.now() - begun)} ms)`,
    );
    for (const { why } of result.broken) console.log(`    ${why}`);
    if (!isRight && values.all) console.log(describeRun(script, result));
  }
}
