import { inspect } from 'node:util';

// The form in which items lie in the table. What to do when it changes is in docs/upgrades.md.

/** What this release writes. */
export const STORED_VERSION = 1;

/** The newest that it reads: ahead of what it writes while a change of form is on its way. */
const NEWEST_READABLE = 1;

/** A newer release wrote this item, and is at work beside this one or was rolled back: it is left as it is. */
export class NewerVersionError extends Error {
  override readonly name = 'NewerVersionError';

  constructor(what: string, version: unknown) {
    super(
      `Cannot read ${what}: it has the stored version ${inspect(version)}, and this release knows ${NEWEST_READABLE} at most. Deploy the newer release again`,
    );
  }
}

/**
 * Answers the item, if this release can read it; one without a version is of the first.
 * @throws {NewerVersionError}
 */
export function readable(
  item: Readonly<Record<string, unknown>>,
  what: string,
): Readonly<Record<string, unknown>> {
  const { version = 1 } = item;
  if (typeof version !== 'number' || version > NEWEST_READABLE) throw new NewerVersionError(what, version);
  return { ...item, version };
}
