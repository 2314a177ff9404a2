/** A Markdown table: the names of its columns, and its rows. The first cell of a row is its name. */
export interface Table {
  /** The heading above it. */
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Reads the tables of a report. */
export function readTables(markdown: string): readonly Table[] {
  const tables: { title: string; head: readonly string[]; rows: (readonly string[])[] }[] = [];
  let title = '';
  let isInTable = false;
  for (const line of markdown.split('\n')) {
    const [, heading] = /^#+ (.*)$/.exec(line) ?? [];
    if (heading !== undefined) title = heading;
    if (!line.startsWith('|')) {
      isInTable = false;
      continue;
    }
    const cells = line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|').replaceAll(/[`*]/g, ''));
    if (!isInTable) tables.push({ title, head: cells, rows: [] });
    else if (!cells.every((cell) => /^:?-+:?$/.test(cell))) tables.at(-1)?.rows.push(cells);
    isInTable = true;
  }
  return tables;
}

/** The bars of one column. */
export interface Bars {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}

/** Takes one column of a table. Rows without a number in it have no bar. */
export function barsOf({ title, head, rows }: Table, column: string): Bars {
  const at = head.indexOf(column);
  const bars = rows.flatMap((cells) => {
    const value = Number.parseFloat((cells[at] ?? '').replaceAll(/[$,]/g, ''));
    return Number.isFinite(value) ? [{ name: cells[0] ?? '', value }] : [];
  });
  return { title, unit: column, bars };
}

const ROW = 24;
const NAMES = 330;
const LONGEST = 420;
const VALUES = 90;
const TOP = 34;

/** Draws horizontal bars as SVG, one group under the other. It reads well on a light and on a dark page. */
export function drawBars(groups: readonly Bars[]): string {
  const parts: string[] = [];
  let y = 0;
  for (const { title, unit, bars } of groups) {
    const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
    parts.push(`<text x="8" y="${y + 22}" font-weight="bold">${spell(title)}: ${spell(unit)}</text>`);
    y += TOP;
    for (const { name, value } of bars) {
      const width = ((LONGEST * Math.max(0, value)) / most).toFixed(1);
      parts.push(
        `<text x="${NAMES - 8}" y="${y + 16}" text-anchor="end">${spell(name)}</text>`,
        `<rect x="${NAMES}" y="${y + 3}" width="${width}" height="${ROW - 6}" fill="#3b82f6"/>`,
        `<text x="${NAMES + Number(width) + 6}" y="${y + 16}">${value}</text>`,
      );
      y += ROW;
    }
  }
  const size = `width="${NAMES + LONGEST + VALUES}" height="${y + 8}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="13" fill="#64748b">
<title>${spell([...new Set(groups.map(({ title }) => title))].join('; '))}</title>
${parts.join('\n')}
</svg>
`;
}

const spell = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
