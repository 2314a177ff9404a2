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

/** @returns `undefined` for CRC64NVME. The client's value is stored without verification. */
export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum | undefined {
  switch (algorithm) {
    case 'CRC32':
      return startCrc((bytes, value) => crc32(bytes, value));
    case 'CRC32C':
      return startCrc(crc32c);
    case 'SHA1':
    case 'SHA256': {
      const hash = createHash(algorithm.toLowerCase());
      return { update: (bytes) => hash.update(bytes), digest: () => hash.digest('base64') };
    }
    case 'CRC64NVME':
      return undefined;
  }
}

/** Computes an object's checksum from its parts' checksums rather than from the bytes. */
export function compositeChecksum(
  algorithm: ChecksumAlgorithm,
  partValues: readonly string[],
): Checksum | undefined {
  const checksum = startChecksum(algorithm);
  if (checksum === undefined) return undefined;
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
