import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** The DynamoDB client, built once a container. An answer that does not come is asked for again: writes are conditional. */
export function createDynamoDb(): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts: 5,
    requestHandler: { connectionTimeout: 1_000, requestTimeout: 5_000 },
  });
}

/** Where the store reads and writes. */
export interface Table {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export const isConditionFailed = (error: unknown): boolean =>
  error instanceof ConditionalCheckFailedException;
