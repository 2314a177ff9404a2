import { it } from 'vitest';
import { expectPartRight } from './part-of-matrix.ts';

it(
  'loses nothing and runs nothing twice, whichever way requests come and inputs go',
  () => expectPartRight(true),
  600_000,
);
