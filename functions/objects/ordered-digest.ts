import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { combineCrc32 } from './combine-crc32.ts';
import { type OpenSha256, openSha256 } from './running-sha256.ts';

export interface Digest {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Base64 of the big-endian checksum, as S3 writes it. */
  readonly crc32: string;
  readonly sizeBytes: number;
}

/** Digests the parts in the order of their numbers, even if they are added in another order. */
export interface OrderedDigest {
  /**
   * Resolves once the part, and all parts before it, are digested. Its bytes must not change until then.
   * @param crc - The part's CRC-32.
   */
  add(part: number, bytes: Uint8Array, crc: number): Promise<void>;
  /** Rejects all calls of `add` that wait, and all later ones, because an earlier part will never be added. */
  fail(error: unknown): void;
  end(): Promise<Digest>;
}

/** Digests one part that is the whole. */
export function digestOf(bytes: Uint8Array): Digest {
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    crc32: spellCrc32(crc32(bytes)),
    sizeBytes: bytes.length,
  };
}

/** @param first - The number of the first part. */
export function createOrderedDigest(first: number, open: OpenSha256 = openSha256): OrderedDigest {
  const sha256 = open();
  const waiting = new Map<
    number,
    { bytes: Uint8Array; crc: number; resolve: () => void; reject: (error: unknown) => void }
  >();
  let next = first;
  let sum = 0;
  let sizeBytes = 0;
  let failure: { readonly error: unknown } | undefined;

  return {
    async add(part, bytes, crc) {
      if (failure) throw failure.error;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.set(part, { bytes, crc, resolve, reject });
      for (let turn = waiting.get(next); turn; turn = waiting.get(next)) {
        sha256.update(turn.bytes).then(turn.resolve, turn.reject);
        sum = combineCrc32(sum, turn.crc, turn.bytes.length);
        sizeBytes += turn.bytes.length;
        waiting.delete(next);
        next += 1;
      }
      return promise;
    },

    fail(error) {
      if (failure === undefined) sha256.end().catch(() => {});
      failure ??= { error };
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    },

    async end() {
      return { sha256: await sha256.end(), crc32: spellCrc32(sum), sizeBytes };
    },
  };
}

/** Base64 of the big-endian checksum, as S3 writes it. */
export function spellCrc32(sum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(sum);
  return bytes.toString('base64');
}
