/** Derives an alternative key for an output whose key has other bytes. Its own hash makes the key the same on each try. */
export function keyBeside(key: string, sha256: string): string {
  const { stem = '', extension = '' } =
    /^(?<stem>.*?)(?<extension>\.[a-z0-9]{1,12})?$/s.exec(key)?.groups ?? {};
  return `${stem}~${sha256.slice(0, 8)}${extension}`;
}
