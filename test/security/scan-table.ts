import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import type { Endpoints } from '../../local/environment.ts';

/** Every item of the table, by its keys. */
export async function scanTable({
  dynamodb,
  region,
  table,
}: Endpoints): Promise<ReadonlyMap<string, unknown>> {
  const client = new DynamoDBClient({ endpoint: dynamodb, region, credentials: LOCAL_CREDENTIALS });
  try {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new ScanCommand({ TableName: table, ConsistentRead: true }),
    );
    if (LastEvaluatedKey) throw new Error('The table has become too large to be read at once');
    const items = Items.map((item) => unmarshall(item));
    return new Map(items.map((item) => [`${item.pk} ${item.sk}`, item]));
  } finally {
    client.destroy();
  }
}
