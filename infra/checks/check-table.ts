import { Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type { IConstruct } from 'constructs';
import { TABLE } from '../../functions/store/table.ts';
import { ConfigurationError } from './configuration-error.ts';

type Keys = readonly { readonly attributeName: string; readonly keyType: string }[];

/** A table's L1 resource, as far as it is looked at. */
interface Described {
  readonly keySchema: Keys;
  readonly globalSecondaryIndexes?: readonly { readonly indexName: string; readonly keySchema: Keys }[];
  readonly timeToLiveSpecification?: { readonly attributeName?: string; readonly enabled: boolean };
}

/**
 * Refuses a table that generations cannot be kept in. An imported one shows nothing of itself and passes.
 * @throws {ConfigurationError} With everything that is missing.
 */
export function checkTable(scope: IConstruct, table: dynamodb.ITable): void {
  const resource = table.node.defaultChild;
  if (!(resource instanceof dynamodb.CfnTable || resource instanceof dynamodb.CfnGlobalTable)) return;
  const { keySchema, globalSecondaryIndexes, timeToLiveSpecification } = resource;
  const described: Described = Stack.of(resource).resolve({
    keySchema,
    globalSecondaryIndexes,
    timeToLiveSpecification,
  });
  const missing = missingOf(described);
  if (missing.length > 0)
    throw new ConfigurationError(
      scope,
      `table ${table.node.path} lacks ${missing.join(', ')}: make it with \`new GenerationTable(…)\`, or leave it out.`,
    );
}

function missingOf({ keySchema, globalSecondaryIndexes = [], timeToLiveSpecification }: Described) {
  const missing: string[] = [];
  const demand = (what: string, has: Keys, partitionKey: string, sortKey: string) => {
    const wanted = `${partitionKey} HASH, ${sortKey} RANGE`;
    const given = has.map(({ attributeName, keyType }) => `${attributeName} ${keyType}`).join(', ');
    if (given !== wanted) missing.push(`${what} (${wanted}; it has ${given || 'none'})`);
  };
  demand('the key', keySchema, TABLE.partitionKey, TABLE.sortKey);
  for (const [name, { partitionKey, sortKey }] of Object.entries(TABLE.indexes)) {
    const index = globalSecondaryIndexes.find(({ indexName }) => indexName === name);
    demand(`the index "${name}"`, index?.keySchema ?? [], partitionKey, sortKey);
  }
  const { attributeName, enabled } = timeToLiveSpecification ?? {};
  if (!enabled || attributeName !== TABLE.ttlAttribute)
    missing.push(`the time-to-live attribute ${TABLE.ttlAttribute}`);
  return missing;
}
