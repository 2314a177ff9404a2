import type { Size } from './backdrop.ts';

/**
 * Draws the prompt as SVG in at most two lines, white on the darkened bottom of the image.
 * @param label - More elements of the same SVG, because each SVG over the image takes time.
 */
export function drawCaption(text: string, { width, height }: Size, label = ''): string {
  const fontSize = Math.max(11, Math.round(Math.min(width / 34, height / 22)));
  const lines = wrap(text.replace(/\s+/g, ' ').trim(), Math.floor((width * 0.9) / (fontSize * 0.56)), 2);
  const lineHeight = fontSize * 1.4;
  const footHeight = lineHeight * lines.length + fontSize * 2.4;
  const first = height - fontSize - lineHeight * (lines.length - 1);
  const spans = lines.map(
    (line, index) =>
      `<text x="${width / 2}" y="${(first + index * lineHeight).toFixed(1)}" text-anchor="middle">${escapeXml(line)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs><linearGradient id="foot" x1="0" y1="0" x2="0" y2="1">
      <stop offset="0" stop-opacity="0"/><stop offset="0.55" stop-opacity="0.55"/><stop offset="1" stop-opacity="0.78"/>
    </linearGradient></defs>
    <rect y="${(height - footHeight).toFixed(1)}" width="100%" height="${footHeight.toFixed(1)}" fill="url(#foot)"/>
    <g font-family="DejaVu Sans, Helvetica, Arial, sans-serif" font-size="${fontSize}" fill="#fff">${spans.join('')}</g>
    ${label}
  </svg>`;
}

/** Breaks lines at spaces if possible. Cuts the rest with an ellipsis. */
function wrap(text: string, charactersPerLine: number, maxLines: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest !== '' && lines.length < maxLines) {
    if (rest.length <= charactersPerLine) {
      lines.push(rest);
      return lines;
    }
    const space = rest.lastIndexOf(' ', charactersPerLine);
    const at = space > charactersPerLine / 2 ? space : charactersPerLine;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  if (rest !== '') lines.push(`${(lines.pop() ?? '').slice(0, charactersPerLine - 1)}…`);
  return lines;
}

/** Escapes text for XML, and removes characters that XML does not allow. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
