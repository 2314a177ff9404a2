import { ConditionalCheckFailedException, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { marshall } from '@aws-sdk/util-dynamodb';
import { addToGallery, type GalleryDeps, type SucceededEvent } from './add-to-gallery.ts';

// Built once per container, so that a warm start reuses the connections.
const s3 = new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL_S3 !== undefined });
const dynamodb = new DynamoDBClient({});
const TableName = process.env.GALLERY_TABLE;

const deps: GalleryDeps = {
  read: async ({ bucket, key }) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    if (Body === undefined) throw new Error(`Cannot read "${key}": S3 sent no body`);
    return Body.transformToByteArray();
  },
  putOnce: async (entry) => {
    try {
      await dynamodb.send(
        new PutItemCommand({
          TableName,
          Item: marshall(entry),
          ConditionExpression: 'attribute_not_exists(eventId)',
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error; // tried again by Lambda, then kept in the dead-letter queue
    }
  },
};

/** Handles one `Generation Succeeded` event. The result is for logs and tests: no caller waits for it. */
export async function handler(event: SucceededEvent): Promise<'added' | 'known'> {
  const outcome = await addToGallery(deps, event);
  console.log(JSON.stringify({ message: `Gallery: ${outcome}`, eventId: event.detail.eventId }));
  return outcome;
}
