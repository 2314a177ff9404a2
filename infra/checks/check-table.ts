import { Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type { IConstruct } from 'constructs';
import { TABLE } from '../../functions/store/table.ts';
import { ConfigurationError } from './configuration-error.ts';

type Keys = readonly { readonly attributeName: string; readonly keyType: string }[];

/** The properties of a table's L1 resource that the check reads. */
interface Described {
  readonly keySchema: Keys;
  readonly globalSecondaryIndexes?: readonly { readonly indexName: string; readonly keySchema: Keys }[];
  readonly timeToLiveSpecification?: { readonly attributeName?: string; readonly enabled: boolean };
}

/**
 * Refuses a table whose keys, indexes or time-to-live attribute differ from those that generations need. An imported
 * table has no visible properties and passes.
 * @throws {ConfigurationError} Lists everything that is missing.
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
      `table ${table.node.path} lacks ${missing.join(', ')}: create it with \`new GenerationTable(…)\`, or omit table.`,
    );
}

function missingOf({ keySchema, globalSecondaryIndexes = [], timeToLiveSpecification }: Described) {
  const missing: string[] = [];
  const requireKeys = (name: string, keys: Keys, partitionKey: string, sortKey: string) => {
    const expected = `${partitionKey} HASH, ${sortKey} RANGE`;
    const actual = keys.map(({ attributeName, keyType }) => `${attributeName} ${keyType}`).join(', ');
    if (actual !== expected) missing.push(`${name} (${expected}; it has ${actual || 'none'})`);
  };
  requireKeys('the key', keySchema, TABLE.partitionKey, TABLE.sortKey);
  for (const [name, { partitionKey, sortKey }] of Object.entries(TABLE.indexes)) {
    const index = globalSecondaryIndexes.find(({ indexName }) => indexName === name);
    requireKeys(`the index "${name}"`, index?.keySchema ?? [], partitionKey, sortKey);
  }
  const { attributeName, enabled } = timeToLiveSpecification ?? {};
  if (!enabled || attributeName !== TABLE.ttlAttribute)
    missing.push(`the time-to-live attribute ${TABLE.ttlAttribute}`);
  return missing;
}
