import { expect, it } from 'vitest';
import { readDataUrl } from '../../functions/outputs/data-url.ts';

it.each([
  ['data:,hello', undefined, 'hello'],
  ['data:text/plain,a%20b%zz%', 'text/plain', 'a b%zz%'],
  ['DATA:text/csv;charset=utf-8,a%2Cb', 'text/csv;charset=utf-8', 'a,b'],
  ['data:image/png;base64,aGVsbG8=', 'image/png', 'hello'],
  ['data:image/png; BASE64,aGVs%0AbG8', 'image/png', 'hello'],
  ['data:;base64,', undefined, ''],
])('%s', (url, contentType, text) => {
  const data = readDataUrl(url);

  expect([data?.contentType, data?.bytes.toString('latin1')]).toEqual([contentType, text]);
});

it.each(['data:text/plain', 'data:image/png;base64,aGVs*', 'https://a,b'])('%s is not one', (url) => {
  expect(readDataUrl(url)).toBeUndefined();
});

it('keeps every byte', () => {
  const all = Array.from({ length: 256 }, (_, byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

  expect([...(readDataUrl(`data:,${all}`)?.bytes ?? [])]).toEqual([...Array(256).keys()]);
});
