import type { RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { TABLE } from '../functions/store/table.ts';

/** The one table, as `functions/store/table.ts` describes it. */
export class GenerationTable extends dynamodb.Table {
  constructor(scope: Construct, id: string, { removalPolicy }: { readonly removalPolicy: RemovalPolicy }) {
    super(scope, id, {
      partitionKey: text(TABLE.partitionKey),
      sortKey: text(TABLE.sortKey),
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: TABLE.ttlAttribute,
      removalPolicy,
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

  /** The ARN for rights on one index alone. */
  indexArn(name: keyof typeof TABLE.indexes): string {
    return `${this.tableArn}/index/${name}`;
  }
}

const text = (name: string): dynamodb.Attribute => ({ name, type: dynamodb.AttributeType.STRING });
