/** Where an output lies whose place other bytes have taken: named by its own, so that it is the same place every time. */
export function keyBeside(key: string, sha256: string): string {
  const { stem = '', extension = '' } =
    /^(?<stem>.*?)(?<extension>\.[a-z0-9]{1,12})?$/s.exec(key)?.groups ?? {};
  return `${stem}~${sha256.slice(0, 8)}${extension}`;
}
