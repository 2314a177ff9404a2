import { readMaximumConcurrency } from '../settings.ts';
import { createGate, type Gate } from '../store/gate.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import type { Deployment } from './deployment.ts';

/** Creates this deployment's gate, which limits the concurrent tasks at Wiro and orders the waiting generations. */
export const createDeploymentGate = (
  { table, durations }: Pick<Deployment, 'table' | 'durations'>,
  { waiting }: Pick<GenerationStore, 'waiting'>,
  env: NodeJS.ProcessEnv = process.env,
): Gate => createGate({ ...table, waiting, durations, maximum: readMaximumConcurrency(env) });
