import { createUsageReader, type UsageReader } from '../store/usage-reader.ts';
import type { Deployment } from './deployment.ts';

/** Returns what this deployment's ends cost, by day. */
export const createDeploymentUsage = ({ table }: Pick<Deployment, 'table'>): UsageReader =>
  createUsageReader(table);
