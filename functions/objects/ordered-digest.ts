import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

export interface Digest {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Base64 of the big-endian checksum, as S3 writes it. */
  readonly crc32: string;
  readonly sizeBytes: number;
}

/** Digests the parts in the order of their numbers, even if they are added in another order. */
export interface OrderedDigest {
  /** Resolves once the part, and all parts before it, are digested. Its bytes must not change until then. */
  add(part: number, bytes: Uint8Array): Promise<void>;
  /** Rejects all current and later calls of `add`, because an earlier part will never be added. */
  fail(error: unknown): void;
  end(): Digest;
}

/** @param first - The number of the first part. */
export function createOrderedDigest(first: number): OrderedDigest {
  const sha256 = createHash('sha256');
  const waiting = new Map<
    number,
    { bytes: Uint8Array; resolve: () => void; reject: (error: unknown) => void }
  >();
  let next = first;
  let crc = 0;
  let sizeBytes = 0;
  let failure: { readonly error: unknown } | undefined;

  return {
    async add(part, bytes) {
      if (failure) throw failure.error;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.set(part, { bytes, resolve, reject });
      for (let turn = waiting.get(next); turn; turn = waiting.get(next)) {
        sha256.update(turn.bytes);
        crc = crc32(turn.bytes, crc);
        sizeBytes += turn.bytes.length;
        waiting.delete(next);
        next += 1;
        turn.resolve();
      }
      return promise;
    },

    fail(error) {
      failure ??= { error };
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    },

    end() {
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(crc);
      return { sha256: sha256.digest('hex'), crc32: sum.toString('base64'), sizeBytes };
    },
  };
}
