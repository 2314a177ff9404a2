export type Redaction = (text: string) => string;

/** In plain text and in JSON, where a slash may be `\/`. */
const QUERY_OF_URL = /(https?:(?:\\?\/){2}[^\s"'<>?#]*)[?#][^\s"'<>]*/gi;

/**
 * Makes text from outside fit for a message or a log line: Wiro may quote what it was sent. Takes out the given
 * secrets and the query of every URL (presigned URLs carry their signature there), and cuts the rest.
 */
export function createRedaction(secrets: readonly (string | undefined)[], maxLength = 500): Redaction {
  return (text) => {
    let safe = text.replace(QUERY_OF_URL, '$1?…');
    for (const secret of secrets) if (secret) safe = safe.replaceAll(secret, '…');
    return safe.length > maxLength ? `${safe.slice(0, maxLength - 1)}…` : safe;
  };
}
