import type { Overflow } from '../store/generation-store.ts';
import type { HistoryPage, HistoryQuery } from '../store/history.ts';
import { createTimelines, type Timelines } from '../store/timelines.ts';
import type { UsageReader } from '../store/usage-reader.ts';
import type { Deployment } from './deployment.ts';

// Few requests are for lists: their code is loaded with the first one.

/** Returns this deployment's generations by the time of their acceptance. */
export const createDeploymentHistory = (
  { table }: Pick<Deployment, 'table'>,
  overflow: Pick<Overflow, 'read'>,
): { readonly page: (query: HistoryQuery) => Promise<HistoryPage> } => ({
  page: async (query) => {
    const { createHistory } = await import('../store/history.ts');
    return createHistory(table, overflow).page(query);
  },
});

/** Returns the timelines of this deployment's generations. */
export const createDeploymentTimelines = ({ table }: Pick<Deployment, 'table'>): Timelines =>
  createTimelines(table);

/** Returns what this deployment's ends cost, by day. */
export const createDeploymentUsage = ({ table }: Pick<Deployment, 'table'>): UsageReader => ({
  page: async (query) => {
    const { createUsageReader } = await import('../store/usage-reader.ts');
    return createUsageReader(table).page(query);
  },
});
