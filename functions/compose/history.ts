import type { Overflow } from '../store/generation-store.ts';
import { createHistory } from '../store/history.ts';
import type { Deployment } from './deployment.ts';

/** Returns this deployment's generations by the time of their acceptance. */
export const createDeploymentHistory = (
  { table }: Pick<Deployment, 'table'>,
  overflow: Pick<Overflow, 'read'>,
): ReturnType<typeof createHistory> => createHistory(table, overflow);
