export type Redaction = (text: string) => string;

/**
 * In plain text, in JSON, where a slash may be `\/` or `\u002F`, and encoded, also more than once. Always matches to the
 * end: what is scanned once is not scanned again.
 */
const URL_TEXT = /https?(?::|%(?:25){0,3}3A)(?:\\{0,3}\/|\\{1,3}u002F|%(?:25){0,3}2F){2}[^\s"'<>]*/gi;
/** Where its query or fragment begins. */
const QUERY = /[?#]|%(?:25){0,3}(?:3F|23)/i;
/** What is left of a presigned query where the URL is not whole. */
const PRESIGNED = /(?:X-(?:Amz|Goog)-|(?<![a-z_-])(?:Signature|sig)(?:=|%(?:25){0,3}3D))[^\s"'<>]*/gi;
/** Signatures of ours, whatever they are part of: of a callback, of a request to Wiro, of a presigned URL. */
const SIGNATURE = /[0-9a-f]{64}/gi;
const SIGNATURE_LENGTH = 64;
/** What is read beyond the length that is kept: taking out makes text shorter. */
const ROOM = 4_096;

/** The longest secret that is looked for whole. */
const LONGEST = 1_024;
/** Whoever knows the path of a result can read it. */
const RESULT = /(cdn[a-z0-9-]{0,20}\.wiro\.ai)\.?(?::\d{1,5})?[\\/%][^\s"'<>]*/gi;

/**
 * Makes text from outside fit for a message or a log line: Wiro may quote what it was sent. Takes out the given
 * secrets, every signature, the query of every URL and the path of every result of Wiro's, and cuts the rest. Reads
 * only as much of a long text as it may keep, so that no text from outside makes it slow.
 */
export function createRedaction(secrets: readonly (string | undefined)[], maxLength = 500): Redaction {
  const known = secrets.flatMap((secret) => (secret ? [secret] : []));
  const longest = Math.max(SIGNATURE_LENGTH, ...known.map(({ length }) => Math.min(length, LONGEST)));
  return (text) => {
    const mostRead = maxLength + longest + ROOM;
    const isCut = text.length > mostRead;
    let safe = text
      .slice(0, mostRead)
      .replace(URL_TEXT, withoutQuery)
      .replace(RESULT, '$1/…')
      .replace(PRESIGNED, '…')
      .replace(SIGNATURE, '…');
    for (const secret of known) safe = withoutSecret(safe, secret);
    // The end may be the first half of a secret.
    if (isCut) safe = safe.slice(0, Math.max(0, safe.length - longest));
    return isCut || safe.length > maxLength ? `${safe.slice(0, maxLength - 1)}…` : safe;
  };
}

function withoutQuery(url: string): string {
  const query = url.search(QUERY);
  return query < 0 ? url : `${url.slice(0, query)}?…`;
}

/** Nothing that begins with a secret of absurd length is kept: to look for all of it would take as absurdly long. */
function withoutSecret(text: string, secret: string): string {
  if (secret.length <= LONGEST) return text.replaceAll(secret, '…');
  const found = text.indexOf(secret.slice(0, SIGNATURE_LENGTH));
  return found < 0 ? text : `${text.slice(0, found)}…`;
}
