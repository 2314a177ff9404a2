import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';

/**
 * Creates the DynamoDB client, once a container. The SDK repeats a request without an answer. That is safe, because
 * writes are conditional.
 * @param answerMs - How long one try waits for its answer, in milliseconds.
 */
export function createDynamoDb({ answerMs = 5_000 }: { readonly answerMs?: number } = {}): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts: 5,
    // Without this the SDK only warns about a slow request, and keeps waiting.
    requestHandler: { connectionTimeout: 1_000, requestTimeout: answerMs, throwOnRequestTimeout: true },
  });
}

/** The table that the store reads and writes. */
export interface Table {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export const isConditionFailed = (error: unknown): boolean =>
  error instanceof ConditionalCheckFailedException;
