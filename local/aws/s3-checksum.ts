import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** A checksum in S3's form: base64. A `COMPOSITE` one covers the parts' checksums and ends in `-count`. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
  readonly type: 'FULL_OBJECT' | 'COMPOSITE';
}

interface RunningChecksum {
  readonly update: (bytes: Uint8Array) => void;
  /** Base64. */
  readonly digest: () => string;
}

export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  switch (algorithm) {
    case 'CRC32':
      return startCrc((bytes, value) => crc32(bytes, value));
    case 'CRC32C':
      return startCrc(crc32c);
    case 'CRC64NVME':
      return startCrc64Nvme();
    case 'SHA1':
    case 'SHA256': {
      const hash = createHash(algorithm.toLowerCase());
      return { update: (bytes) => hash.update(bytes), digest: () => hash.digest('base64') };
    }
  }
}

/** Computes an object's checksum from its parts' checksums rather than from the bytes. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, partValues: readonly string[]): Checksum {
  const checksum = startChecksum(algorithm);
  for (const value of partValues) checksum.update(Buffer.from(value, 'base64'));
  return { algorithm, value: `${checksum.digest()}-${partValues.length}`, type: 'COMPOSITE' };
}

export const checksumHeader = (algorithm: ChecksumAlgorithm): string =>
  `x-amz-checksum-${algorithm.toLowerCase()}`;

export const isChecksumAlgorithm = (text: string): text is ChecksumAlgorithm =>
  (CHECKSUM_ALGORITHMS as readonly string[]).includes(text);

function startCrc(next: (bytes: Uint8Array, value: number) => number): RunningChecksum {
  let value = 0;
  return {
    update: (bytes) => {
      value = next(bytes, value);
    },
    digest: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes.toString('base64');
    },
  };
}

const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

function crc32c(bytes: Uint8Array, start: number): number {
  let value = ~start;
  for (const byte of bytes) value = (CRC32C_TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  return ~value >>> 0;
}

// Halves of 32 bits, because JavaScript's bit operations have 32 bits and its BigInts are too slow for each byte.
const [CRC64_HIGH, CRC64_LOW] = [new Int32Array(256), new Int32Array(256)];
for (let byte = 0; byte < 256; byte++) {
  let value = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ 0x9a6c9329ac4bc9b5n : value >> 1n;
  CRC64_HIGH[byte] = Number(value >> 32n);
  CRC64_LOW[byte] = Number(value & 0xffff_ffffn);
}

function startCrc64Nvme(): RunningChecksum {
  let high = ~0;
  let low = ~0;
  return {
    update: (bytes) => {
      for (const byte of bytes) {
        const at = (low ^ byte) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ (CRC64_LOW[at] ?? 0);
        high = (high >>> 8) ^ (CRC64_HIGH[at] ?? 0);
      }
    },
    digest: () => {
      const bytes = Buffer.alloc(8);
      bytes.writeInt32BE(~high);
      bytes.writeInt32BE(~low, 4);
      return bytes.toString('base64');
    },
  };
}
