export type Redaction = (text: string) => string;

/** In plain text and in JSON, where a slash may be `\/`. */
const QUERY_OF_URL = /(https?:(?:\\?\/){2}[^\s"'<>?#]*)[?#][^\s"'<>]*/gi;
/** What is left of a presigned query where the URL is encoded, or not whole. */
const PRESIGNED = /X-Amz-[^\s"'<>]*/gi;
/** Signatures of ours, whatever they are part of: of a callback, of a request to Wiro, of a presigned URL. */
const SIGNATURE = /[0-9a-f]{64}/gi;

/**
 * Makes text from outside fit for a message or a log line: Wiro may quote what it was sent. Takes out the given
 * secrets, every signature and the query of every URL, and cuts the rest.
 */
export function createRedaction(secrets: readonly (string | undefined)[], maxLength = 500): Redaction {
  return (text) => {
    let safe = text.replace(QUERY_OF_URL, '$1?…').replace(PRESIGNED, '…').replace(SIGNATURE, '…');
    for (const secret of secrets) if (secret) safe = safe.replaceAll(secret, '…');
    return safe.length > maxLength ? `${safe.slice(0, maxLength - 1)}…` : safe;
  };
}
