import { expect, it } from 'vitest';
import { describeFailure, formatTable, runCrashMatrix } from './crash-matrix.ts';
import { FLOWS } from './flows.ts';

const SEED = 1;
/** Beyond it only what is essential is begun: a quick machine runs the whole tenth. */
const BUDGET_MS = 50_000;

// Every Run, mark and terminal write, and a tenth of everything else; `npm run test:faults` runs all of it.
it('loses nothing and runs nothing twice, wherever a function is killed', { timeout: 600_000 }, async () => {
  const names = FLOWS.filter(({ inputHandover }) => inputHandover === undefined).map(({ name }) => name);
  const flows = await runCrashMatrix({ share: 0.1, seed: SEED, flows: names, budgetMs: BUDGET_MS });

  const failures = flows.flatMap(({ flow, problems, state = '', outcomes }) => [
    ...problems.map((problem) => `✗ ${flow}, undisturbed: ${problem}\n${state}`),
    ...outcomes
      .filter((outcome) => outcome.problems.length > 0)
      .map((outcome) => describeFailure(outcome, SEED)),
  ]);
  expect(failures.join('\n\n'), formatTable(flows)).toBe('');
  const killed = flows.flatMap(({ outcomes }) => outcomes.filter((outcome) => outcome.killed !== undefined));
  expect(killed.length).toBeGreaterThan(50);
});
