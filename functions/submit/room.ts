/** One submission's part of the memory that all submissions share. */
export interface Room {
  /** Takes memory if there is enough, and this part is not closed. @returns Whether it did. */
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
      let isClosed = false;
      return {
        take(sizeBytes) {
          if (isClosed || takenBytes + sizeBytes >= limitBytes) return false;
          takenBytes += sizeBytes;
          ours += sizeBytes;
          return true;
        },
        close() {
          isClosed = true;
          takenBytes -= ours;
          ours = 0;
        },
      };
    },
  };
}
