import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';

/**
 * The DynamoDB client, built once a container. An answer that does not come is asked for again: writes are conditional.
 * @param answerMs - How long one try waits for its answer, in milliseconds.
 */
export function createDynamoDb({ answerMs = 5_000 }: { readonly answerMs?: number } = {}): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts: 5,
    // By itself the SDK only warns of a request that takes longer, and waits on.
    requestHandler: { connectionTimeout: 1_000, requestTimeout: answerMs, throwOnRequestTimeout: true },
  });
}

/** Where the store reads and writes. */
export interface Table {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export const isConditionFailed = (error: unknown): boolean =>
  error instanceof ConditionalCheckFailedException;
