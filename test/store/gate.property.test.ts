import { describeGate } from './describe-gate.ts';

// SIMULATIONS=20 looks harder.
describeGate(Number(process.env.SIMULATIONS ?? 1));
