/** Something that the person at the keyboard can mend: its message is the one sentence they are shown. */
export class SetupError extends Error {
  override name = 'SetupError';
}
