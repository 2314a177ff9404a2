import { describeGate } from './describe-gate.ts';

describeGate(5);
