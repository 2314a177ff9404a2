import { inspect } from 'node:util';

// The version of the stored items' form. docs/upgrades.md says what to do when it changes.

/** The version that this release writes. */
export const STORED_VERSION = 1;

/** The newest version that it reads. While the form changes, it is ahead of the version that is written. */
const NEWEST_READABLE = 1;

/** A newer release wrote this item. It runs beside this release or was rolled back. This release leaves the item alone. */
export class NewerVersionError extends Error {
  override readonly name = 'NewerVersionError';

  constructor(what: string, version: unknown) {
    super(
      `Cannot read ${what}: it has the stored version ${inspect(version)}, and this release knows ${NEWEST_READABLE} at most. Deploy the newer release again`,
    );
  }
}

/**
 * Returns the item if this release can read it. An item without a version is of the first version.
 * @throws {NewerVersionError} If a newer release wrote it.
 */
export function readable(
  item: Readonly<Record<string, unknown>>,
  what: string,
): Readonly<Record<string, unknown>> {
  const exact = toExactStatus(item);
  const { version = 1 } = exact;
  if (typeof version !== 'number' || version > NEWEST_READABLE) throw new NewerVersionError(what, version);
  return { ...exact, version };
}

/** Earlier releases leave an item with a coarse status alone: they would take a claimed generation for a free one. */
export const COARSE_VERSION = 2;
const COARSE = { submitting: 'queued', collecting: 'running' } as const;

/**
 * Gives a claimed generation the status that it had before, so that its entry in the index of the history stays. Its claim
 * tells the two apart.
 */
export function toCoarseStatus(item: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { status } = item;
  return status === 'submitting' || status === 'collecting'
    ? { ...item, status: COARSE[status], version: COARSE_VERSION }
    : item;
}

function toExactStatus(item: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (item.version !== COARSE_VERSION || item.claim === undefined) return item;
  for (const [exact, coarse] of Object.entries(COARSE))
    if (item.status === coarse) return { ...item, status: exact, version: STORED_VERSION };
  return item;
}
