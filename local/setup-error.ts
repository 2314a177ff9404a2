/** A problem that the user can solve. The command prints only this message. */
export class SetupError extends Error {
  override name = 'SetupError';
}
