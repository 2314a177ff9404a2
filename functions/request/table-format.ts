/** Names the kind of table that a text seems to be, by its first two lines. */
export function tableFormat(text: string): 'CSV' | 'a table with tabs' | undefined {
  const start = text
    .replace(/^\uFEFF/, '')
    .trimStart()
    .slice(0, 4_096);
  if (/^(?:["[{\d-]|true|false|null)/.test(start) && !/^"[^"\n]*"[;,\t]/.test(start)) return undefined;
  const [first = '', second = ''] = start.split(/\r?\n/, 2);
  for (const [separator, name] of [
    [',', 'CSV'],
    [';', 'CSV'],
    ['\t', 'a table with tabs'],
  ] as const) {
    const columns = first.split(separator).length;
    if (columns > 1 && (second === '' || second.includes(separator))) return name;
  }
  return undefined;
}

export const looksLikeTable = (text: string): boolean => tableFormat(text) !== undefined;
