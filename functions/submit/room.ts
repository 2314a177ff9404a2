/** One submission's part of the memory that all submissions share. */
export interface Room {
  /** Takes memory if there is enough. @returns Whether it did. */
  take(sizeBytes: number): boolean;
  /** Gives back all memory that was taken. */
  close(): void;
}

/** Memory for files, shared by all submissions of an invocation. Each submission opens its own part. */
export function createRoom(limitBytes: number): { readonly open: () => Room } {
  let takenBytes = 0;
  return {
    open: () => {
      let ours = 0;
      return {
        take(sizeBytes) {
          if (takenBytes + sizeBytes >= limitBytes) return false;
          takenBytes += sizeBytes;
          ours += sizeBytes;
          return true;
        },
        close() {
          takenBytes -= ours;
          ours = 0;
        },
      };
    },
  };
}
