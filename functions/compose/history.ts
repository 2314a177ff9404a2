import type { Overflow } from '../store/generation-store.ts';
import { createHistory } from '../store/history.ts';
import { createTimelines, type Timelines } from '../store/timelines.ts';
import type { Deployment } from './deployment.ts';

/** Returns this deployment's generations by the time of their acceptance. */
export const createDeploymentHistory = (
  { table }: Pick<Deployment, 'table'>,
  overflow: Pick<Overflow, 'read'>,
): ReturnType<typeof createHistory> => createHistory(table, overflow);

/** Returns the timelines of this deployment's generations. */
export const createDeploymentTimelines = ({ table }: Pick<Deployment, 'table'>): Timelines =>
  createTimelines(table);
