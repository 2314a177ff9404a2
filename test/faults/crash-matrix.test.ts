import { it } from 'vitest';
import { expectPartRight } from './part-of-matrix.ts';

/** Beyond it only what is essential is begun: `npm run test:faults` runs them all. */
const BUDGET_MS = 25_000;

it(
  'loses nothing and runs nothing twice, wherever a function is killed',
  () => expectPartRight(false, { budgetMs: BUDGET_MS }),
  600_000,
);
