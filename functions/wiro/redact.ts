export type Redaction = (text: string) => string;

/**
 * A URL in plain text, in JSON (where a slash may be `\/` or `\u002F`) or percent-encoded, even several times. The match
 * always extends to the end of the URL, so no character is scanned twice.
 */
const URL_TEXT = /https?(?::|%(?:25){0,3}3A)(?:\\{0,3}\/|\\{1,3}u002F|%(?:25){0,3}2F){2}[^\s"'<>]*/gi;
/** The start of a query or fragment. */
const QUERY = /[?#]|%(?:25){0,3}(?:3F|23)/i;
/** A presigned query outside a complete URL. */
const PRESIGNED = /(?:X-(?:Amz|Goog)-|(?<![a-z_-])(?:Signature|sig)(?:=|%(?:25){0,3}3D))[^\s"'<>]*/gi;
/** A signature of a callback, of a request to Wiro or of a presigned URL. */
const SIGNATURE = /[0-9a-f]{64}/gi;
const SIGNATURE_LENGTH = 64;
/** Characters read beyond the maximum length, because redaction shortens the text. */
const ROOM = 4_096;

/** The longest secret that is matched in full. */
const LONGEST = 1_024;
/** A result's URL is redacted to its host: the path alone is enough to read the result. */
const RESULT = /(cdn[a-z0-9-]{0,20}\.wiro\.ai)\.?(?::\d{1,5})?[\\/%][^\s"'<>]*/gi;

/**
 * Creates a function that makes outside text safe for a message or a log line. Wiro may quote the request it received.
 * The function removes the given secrets, every signature, the query of every URL and the path of every Wiro result,
 * and truncates the text. It reads only the start of a long text, so no outside text can make it slow.
 */
export function createRedaction(secrets: readonly (string | undefined)[], maxLength = 500): Redaction {
  const filled = secrets.flatMap((secret) => (secret ? [secret] : []));
  return (text) => {
    const mostRead = maxLength + LONGEST + ROOM;
    const isCut = text.length > mostRead;
    let safe = text
      .slice(0, mostRead)
      .replace(URL_TEXT, withoutQuery)
      .replace(RESULT, '$1/…')
      .replace(PRESIGNED, '…')
      .replace(SIGNATURE, '…');
    for (const secret of filled) safe = withoutSecret(safe, secret);
    // The text that was read may end with the first half of a secret.
    if (isCut) safe = safe.slice(0, Math.max(0, safe.length - LONGEST));
    if (isCut || safe.length > maxLength) safe = `${safe.slice(0, maxLength - 1)}…`;
    // The cut, or Wiro's own, may leave half a character, which many readers of JSON refuse.
    return safe.toWellFormed();
  };
}

function withoutQuery(url: string): string {
  const query = url.search(QUERY);
  return query < 0 ? url : `${url.slice(0, query)}?…`;
}

/** For a secret over `LONGEST`, matches only its start and drops all text from there: a full search would be slow. */
function withoutSecret(text: string, secret: string): string {
  if (secret.length <= LONGEST) return text.replaceAll(secret, '…');
  const found = text.indexOf(secret.slice(0, SIGNATURE_LENGTH));
  return found < 0 ? text : `${text.slice(0, found)}…`;
}
