import { RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { TABLE } from '../../functions/store/table.ts';

/** Options for a table that an app creates itself. */
export interface GenerationTableProps {
  /**
   * Whether the table and its records are deleted with the stack. RETAIN also turns on deletion protection.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** The DynamoDB table that stores generations, with the schema from `functions/store/table.ts`. */
export class GenerationTable extends dynamodb.Table {
  /**
   * Creates the table with its indexes and time-to-live attribute. Pass it to `WiroGenerations` as `table`.
   * @param id - The construct id. Changing it creates a new, empty table.
   */
  constructor(
    scope: Construct,
    id: string,
    { removalPolicy = RemovalPolicy.RETAIN }: GenerationTableProps = {},
  ) {
    super(scope, id, {
      partitionKey: text(TABLE.partitionKey),
      sortKey: text(TABLE.sortKey),
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: TABLE.ttlAttribute,
      removalPolicy,
      // A table that outlives its stack must not be deleted by mistake either.
      deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
    });
    for (const [indexName, { partitionKey, sortKey, projected }] of Object.entries(TABLE.indexes))
      this.addGlobalSecondaryIndex({
        indexName,
        partitionKey: text(partitionKey),
        sortKey: text(sortKey),
        ...(projected.length > 0
          ? { projectionType: dynamodb.ProjectionType.INCLUDE, nonKeyAttributes: [...projected] }
          : { projectionType: dynamodb.ProjectionType.KEYS_ONLY }),
      });
  }
}

const text = (name: string): dynamodb.Attribute => ({ name, type: dynamodb.AttributeType.STRING });
