import { expect, it } from 'vitest';
import { bodyOf } from '../../functions/api/read-body.ts';

/** The event that Lambda makes of JSON: text, whatever the bytes are. */
const eventOf = (
  sent: Buffer,
  headers: Record<string, string> = { 'content-length': String(sent.length) },
) => ({
  body: sent.toString('utf8'),
  isBase64Encoded: false,
  headers,
});

it.each([
  ['Latin-1', Buffer.from('{"prompt": "für"}', 'latin1')],
  ['UTF-16', Buffer.from('\ufeff{"prompt": "A hill"}', 'utf16le')],
  ['gzip', Buffer.from('1f8b080000000000000a', 'hex')],
])('tells that Lambda replaced bytes of %s', (_, sent) => {
  expect(bodyOf(eventOf(sent)).isDamaged).toBe(true);
});

it.each([
  ['a text that holds U+FFFD itself', eventOf(Buffer.from('{"prompt": "\ufffd"}'))],
  ['a text without a length', eventOf(Buffer.from('{"prompt": "\ufffd"}'), {})],
  ['a text of another length', eventOf(Buffer.from('{"prompt": "A hill"}'), { 'content-length': '3' })],
  ['bytes', { body: '/////w==', isBase64Encoded: true, headers: { 'content-length': '9' } }],
  ['no body', { body: '', isBase64Encoded: false, headers: {} }],
])('takes %s as it is', (_, event) => {
  const { body, isDamaged } = bodyOf(event);

  expect(isDamaged).toBe(false);
  expect(body).toEqual(Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8'));
});
