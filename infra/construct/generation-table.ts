import { RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { TABLE } from '../../functions/store/table.ts';

/** How a table that an app makes for itself is kept. */
export interface GenerationTableProps {
  /** What becomes of the table, with all records, when its stack goes; RETAIN also protects it from deletion. @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy;
}

/** The one table that generations need, as `functions/store/table.ts` describes it. */
export class GenerationTable extends dynamodb.Table {
  /**
   * Makes the table, with its indexes and time-to-live attribute. Give it to a `WiroGenerations` as `table`.
   * @param id - The table's construct id: another one is another table, which begins empty.
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
      // What is to outlive its stack is not deleted by a slip of the hand either.
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
