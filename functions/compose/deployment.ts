import { DynamoDBClient } from '../aws/dynamodb.ts';
import {
  type ApiParameters,
  createApiParameterReader,
  createParameterReader,
  type ParameterReader,
  type ParameterReaderOptions,
} from '../aws/parameters.ts';
import { type Clock, type Moment, timestamp } from '../generation/time.ts';
import {
  type DueShards,
  type Durations,
  ENV,
  readDueShards,
  readDurations,
  readMaximumGenerationsPerDay,
  requireEnv,
} from '../settings.ts';
import type { DailyLimit } from '../store/daily-limit.ts';
import type { Table } from '../store/dynamodb.ts';

/** The base of every function, read from the environment once per container. Reading it opens no connection. */
export interface Deployment {
  readonly name: string;
  readonly table: Table;
  readonly dueShards: DueShards;
  readonly durations: Durations;
  readonly clock: Clock;
  readonly moment: () => Moment;
}

export function readDeployment(env: NodeJS.ProcessEnv = process.env): Deployment {
  const durations = readDurations(env);
  const clock = () => new Date();
  return {
    name: requireEnv(ENV.deployment, env),
    table: { client: new DynamoDBClient(), tableName: requireEnv(ENV.table, env) },
    dueShards: readDueShards(env),
    durations,
    clock,
    moment: () => ({ now: timestamp(clock()), durations }),
  };
}

/** Creates the limit for new generations a day, if the deployment has one. Few have: its code is loaded at its first use. */
export function readDailyLimit(
  { table }: Pick<Deployment, 'table'>,
  env = process.env,
): DailyLimit | undefined {
  const limit = readMaximumGenerationsPerDay(env);
  if (limit === undefined) return undefined;
  let daily: DailyLimit | undefined;
  const load = async () => {
    const { createDailyLimit } = await import('../store/daily-limit.ts');
    daily ??= createDailyLimit(table, { limit });
    return daily;
  };
  return {
    count: async (...given) => (await load()).count(...given),
    find: async (...given) => (await load()).find(...given),
    giveBack: async (...given) => (await load()).giveBack(...given),
  };
}

export const readParameters = (
  deployment: Pick<Deployment, 'durations'>,
  env = process.env,
): ParameterReader => createParameterReader(readerOptions(deployment, env));

/** The reader for `api`, which does not need the callback secrets. */
export const readApiParameters = (
  deployment: Pick<Deployment, 'durations'>,
  env = process.env,
): ParameterReader<ApiParameters> => createApiParameterReader(readerOptions(deployment, env));

const readerOptions = (
  { durations }: Pick<Deployment, 'durations'>,
  env: NodeJS.ProcessEnv,
): ParameterReaderOptions => ({
  path: requireEnv(ENV.parameterPath, env),
  secretArn: env[ENV.secretArn] || undefined,
  keepMs: durations.secrets,
  renewMs: durations.secretsRenewal,
});
