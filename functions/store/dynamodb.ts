import { ConditionalCheckFailedException, type DynamoDb } from '../aws/dynamodb.ts';

/** The table that the store reads and writes. Its client may repeat a request: every write is conditional. */
export interface Table {
  readonly client: DynamoDb;
  readonly tableName: string;
}

export const isConditionFailed = (error: unknown): boolean =>
  error instanceof ConditionalCheckFailedException;
