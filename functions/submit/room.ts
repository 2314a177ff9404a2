/** Room for bytes that lie whole in memory, for one of those who share it. */
export interface Room {
  /** Takes as much of it, if there is as much. */
  take(sizeBytes: number): boolean;
  /** Gives back what was taken. */
  close(): void;
}

/** Room that all submissions of an invocation share, each by one `open` of it: together they stay under the limit. */
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
