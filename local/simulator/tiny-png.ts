import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';

const SIDE = 8;

/** Creates a valid image of 8 × 8 pixels with colours from the seed, cheaply enough for thousands. */
export function tinyPng(seed: string): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SIDE, 0);
  header.writeUInt32BE(SIDE, 4);
  // RGB, eight bits per channel.
  header.set([8, 2, 0, 0, 0], 8);
  const colours = createHash('shake256', { outputLength: SIDE * SIDE * 3 })
    .update(seed)
    .digest();
  const rows = Array.from({ length: SIDE }, (_, row) =>
    Buffer.concat([Buffer.from([0]), colours.subarray(row * SIDE * 3, (row + 1) * SIDE * 3)]),
  );
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(data.length, 0);
  named.copy(framed, 4);
  framed.writeUInt32BE(crc32(named), named.length + 4);
  return framed;
}
