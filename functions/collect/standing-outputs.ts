import type { HeadOutput } from '../objects/head-output.ts';
import type { ObjectRef } from '../objects/types.ts';
import { mayDiffer } from '../outputs/judge-output.ts';
import type { CopiedOutput } from '../outputs/types.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { CopiedNotes } from '../store/copied-notes.ts';

/** One output of one attempt, and its place in S3. */
export interface OutputPlace extends ObjectRef {
  readonly id: string;
  readonly attempt: number;
  readonly index: number;
}

/** Finds outputs that an earlier holder copied, so that they are not fetched again. */
export interface StandingOutputs {
  /**
   * @param said - What Wiro's record says of the output. If it gives no size, or if the object has another size or type,
   *   only a note of ours proves that the object is the output. Its holder may have died before it noted a difference.
   */
  find(
    place: OutputPlace,
    said: { readonly sizeBytes?: number; readonly contentType?: string },
  ): Promise<CopiedOutput | undefined>;
  /** Notes a copied output, unless S3 keeps its SHA-256. */
  note(place: OutputPlace, copy: CopiedOutput): Promise<void>;
}

export function createStandingOutputs({
  head,
  notes,
}: {
  readonly head: HeadOutput;
  readonly notes: CopiedNotes;
}): StandingOutputs {
  return {
    async find({ id, attempt, index, bucket, key }, said) {
      const standing = await head({ bucket, key });
      if (standing?.sha256 !== undefined) {
        const { contentType, sizeBytes, sha256 } = standing;
        if (sizeBytes !== said.sizeBytes || mayDiffer(contentType, said.contentType)) return undefined;
        return { bucket, key, contentType, sizeBytes, sha256 };
      }
      const note = await notes.read(id, attempt, index);
      if (note === undefined || note.bucket !== bucket) return undefined;
      // If other bytes had its key, the output lies under a key beside it.
      const noted = note.key === key ? standing : await head(note);
      if (noted?.sizeBytes !== note.sizeBytes || noted.crc32 !== note.crc32) return undefined;
      const { contentType, sha256 } = note;
      return { bucket, key: note.key, contentType, sizeBytes: note.sizeBytes, sha256 };
    },

    async note({ id, attempt, index }, { crc32, ...copy }) {
      if (crc32 === undefined) return;
      await notes
        .write(id, attempt, index, { ...copy, crc32 })
        .catch(logIgnored('it is copied again if need be', { generationId: id }));
    },
  };
}
