import { createHash } from 'node:crypto';

/** A `Generation Succeeded` event, as far as the gallery reads it: see docs/events/generation-succeeded.schema.json. */
export interface SucceededEvent {
  readonly detail: {
    /** The same for every delivery. */
    readonly eventId: string;
    readonly id: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly outputs: readonly OutputPlace[];
  };
}

interface OutputPlace {
  readonly bucket: string;
  readonly key: string;
  readonly contentType: string;
  readonly sha256: string;
}

export interface GalleryEntry {
  readonly eventId: string;
  readonly generationId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly images: readonly {
    readonly key: string;
    readonly contentType: string;
    readonly sizeBytes: number;
  }[];
}

export interface GalleryDeps {
  readonly read: (place: { readonly bucket: string; readonly key: string }) => Promise<Uint8Array>;
  /** @returns Whether it was put: `false` when the entry of this `eventId` stands already. */
  readonly putOnce: (entry: GalleryEntry) => Promise<boolean>;
}

/**
 * Adds a generation's outputs to the gallery once, however often its event is delivered.
 *
 * Repeatable steps come first. The one write that counts comes last, and is conditional on the `eventId`. A consumer that
 * dies earlier has changed nothing, and the next delivery does everything.
 */
export async function addToGallery(
  { read, putOnce }: GalleryDeps,
  { detail: { eventId, id, labels, outputs } }: SucceededEvent,
): Promise<'added' | 'known'> {
  const images: GalleryEntry['images'][number][] = [];
  for (const { bucket, key, contentType, sha256 } of outputs) {
    const bytes = await read({ bucket, key });
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== sha256) throw new Error(`Cannot use "${key}": it is not what the event tells of`);
    images.push({ key, contentType, sizeBytes: bytes.length });
  }
  return (await putOnce({ eventId, generationId: id, labels, images })) ? 'added' : 'known';
}
