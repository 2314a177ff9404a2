import { it } from 'vitest';
import { expectPartRight } from './part-of-matrix.ts';

/** Beyond it only what is essential is begun: a quick machine runs the whole tenth. */
const BUDGET_MS = 40_000;

it(
  'loses nothing and runs nothing twice, wherever a function is killed',
  () => expectPartRight(false, { budgetMs: BUDGET_MS }),
  600_000,
);
