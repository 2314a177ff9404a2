import type { Overflow } from '../store/generation-store.ts';
import type { HistoryPage, HistoryQuery } from '../store/history.ts';
import type { Timelines } from '../store/timelines.ts';
import type { UsageReader } from '../store/usage-reader.ts';
import type { Deployment } from './deployment.ts';

// Few requests are for lists and timelines: their code is loaded with the first one.

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
export const createDeploymentTimelines = ({ table }: Pick<Deployment, 'table'>): Pick<Timelines, 'read'> => ({
  read: async (generation) => {
    const { createTimelines } = await import('../store/timelines.ts');
    return createTimelines(table).read(generation);
  },
});

/** Returns what this deployment's ends cost, by day. */
export const createDeploymentUsage = ({ table }: Pick<Deployment, 'table'>): UsageReader => ({
  page: async (query) => {
    const { createUsageReader } = await import('../store/usage-reader.ts');
    return createUsageReader(table).page(query);
  },
});
