import { expect, it } from 'vitest';
import { findInput } from '../../console/server/find-input.ts';

it.each([
  ['photos', 'cn-north-1', 'https://photos.s3.cn-north-1.amazonaws.com.cn/a%20%28b%29.png'],
  ['photos', 'eusc-de-east-1', 'https://photos.s3.eusc-de-east-1.amazonaws.eu/a%20%28b%29.png'],
  ['photos.2026', 'eu-west-1', 'https://s3.eu-west-1.amazonaws.com/photos.2026/a%20%28b%29.png'],
])('finds an object in the bucket %s in %s', async (bucket, region, expected) => {
  const credentials = async () => ({ accessKeyId: 'id', secretAccessKey: 'secret' });
  const deployment = { name: 's', apiUrl: '', region, s3: { credentials } };

  const found = await findInput({ inputs: { image: `s3://${bucket}/a (b).png` } }, 'image', 0, deployment);

  expect(found?.url.split('?')[0]).toBe(expected);
});
