import { randomUUID } from 'node:crypto';
import type { S3Event } from 'aws-lambda';
import { LOCAL_REGION } from './credentials.ts';
import type { StoredObject } from './s3-bucket.ts';

export type CreatedBy = 'Put' | 'Post' | 'Copy' | 'CompleteMultipartUpload';

/**
 * Builds S3's notification about a created object.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
export function objectCreatedEvent(bucket: string, object: StoredObject, by: CreatedBy): S3Event {
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: LOCAL_REGION,
        eventTime: object.lastModified,
        eventName: `ObjectCreated:${by}`,
        userIdentity: { principalId: 'LOCAL' },
        requestParameters: { sourceIPAddress: '127.0.0.1' },
        responseElements: { 'x-amz-request-id': randomUUID(), 'x-amz-id-2': randomUUID() },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: 'local',
          bucket: { name: bucket, ownerIdentity: { principalId: 'LOCAL' }, arn: `arn:aws:s3:::${bucket}` },
          object: {
            key: encodeKey(object.key),
            size: object.sizeBytes,
            eTag: object.etag,
            sequencer: object.sequencer,
          },
        },
      },
    ],
  };
}

/** Encodes a key like a form field: a space becomes `+`. Slashes stay. */
const encodeKey = (key: string): string =>
  encodeURIComponent(key)
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/');
