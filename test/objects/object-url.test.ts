import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { describe, expect, it } from 'vitest';
import { objectUrl } from '../../functions/objects/object-url.ts';

const KEY = "a/../b//ü (1)+&=?#'!*%41.png";

describe("an object's address is the SDK's", () => {
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };

  it.each([
    ['photos-of-2026', 'eu-central-1'],
    ['photos', 'us-east-1'],
    ['photos.of.2026', 'eu-central-1'],
    ['reader-abc123-s3alias', 'eu-west-1'],
    ['photos', 'cn-north-1'],
    ['Photos_1', 'us-east-1'],
  ])('in the bucket %s in %s', async (bucket, region) => {
    const client = new S3Client({ region, credentials });
    const theirs = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: KEY }));

    const { origin, host, pathname } = objectUrl({ bucket, key: KEY }, { region });

    expect(`${origin}${pathname}`).toBe(theirs.split('?')[0]);
    expect(origin).toBe(`https://${host}`);
  });

  it('at an emulator', async () => {
    const endpoint = 'http://127.0.0.1:9000/s3/';
    const client = new S3Client({ region: 'us-east-1', credentials, endpoint, forcePathStyle: true });
    const theirs = await getSignedUrl(client, new GetObjectCommand({ Bucket: 'photos', Key: KEY }));

    const { origin, pathname } = objectUrl({ bucket: 'photos', key: KEY }, { endpoint });

    expect(`${origin}${pathname}`).toBe(theirs.split('?')[0]);
  });
});
