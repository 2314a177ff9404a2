/** Glyphs of 5 × 7 dots, a row a digit to the base of 32. Drawn here, so that pictures need no font of the machine. */
const GLYPHS: Readonly<Record<string, string>> = {
  ...{ A: 'ehhvhhh', B: 'uhhuhhu', C: 'ehggghe', D: 'uhhhhhu', E: 'vgguggv', F: 'vgguggg', G: 'ehgnhhf' },
  ...{ H: 'hhhvhhh', I: 'e44444e', J: '72222ic', K: 'hikokih', L: 'ggggggv', M: 'hrllhhh', N: 'hhpljhh' },
  ...{ O: 'ehhhhhe', P: 'uhhuggg', Q: 'ehhhlid', R: 'uhhukih', S: 'fgge11u', T: 'v444444', U: 'hhhhhhe' },
  ...{ V: 'hhhhha4', W: 'hhhllla', X: 'hha4ahh', Y: 'hhha444', Z: 'v1248gv', ' ': '0000000' },
  ...{ 0: 'ehjlphe', 1: '4c4444e', 2: 'eh1248v', 3: 'v2421he', 4: '26aiv22', 5: 'vgu11he', 6: '68guhhe' },
  ...{ 7: 'v124888', 8: 'ehhehhe', 9: 'ehhf12c', '-': '000e000', '.': '00000cc', ',': '0000c48' },
  ...{ ':': '0cc0cc0', '/': '01248g0', '(': '2488842', ')': '8422248', "'": 'c480000', '"': 'aaa0000' },
  ...{ '!': '4444004', '?': 'eh12404', '#': 'aavavaa', '+': '044v440', '=': '00v0v00', _: '000000v' },
  ...{ '&': 'cik8lid', '%': 'op248j3' },
};
const COLUMNS = 5;

/** The distance from one character to the next, and from one line to the next, in dots. */
export const ADVANCE = 6;
export const LINE = 10;
/** The height of a character in dots. */
export const ROWS = 7;

/** A run of dots in one row, measured in dots from the text's upper left corner. */
export interface Run {
  readonly x: number;
  readonly y: number;
  readonly length: number;
}

/** Lays out one line of capitals. Accents are dropped; a character without a glyph becomes a question mark. */
export function runsOf(text: string): Run[] {
  const letters = [...text.normalize('NFKD').replace(/\p{M}/gu, '').toUpperCase()];
  return letters.flatMap((letter, index) =>
    runsOfGlyph(letter).map((run) => ({ ...run, x: run.x + index * ADVANCE })),
  );
}

const known = new Map<string, readonly Run[]>();

function runsOfGlyph(letter: string): readonly Run[] {
  const glyph = (Object.hasOwn(GLYPHS, letter) ? GLYPHS[letter] : GLYPHS['?']) ?? '';
  const found = known.get(glyph);
  if (found) return found;
  const runs = [...glyph].flatMap((row, y) =>
    [...Number.parseInt(row, 32).toString(2).padStart(COLUMNS, '0').matchAll(/1+/g)].map(
      ({ index, 0: { length } }): Run => ({ x: index, y, length }),
    ),
  );
  known.set(glyph, runs);
  return runs;
}

/** Draws one line as the data of an SVG path, with dots of `dot` pixels. */
export const pathOf = (text: string, left: number, top: number, dot: number): string =>
  runsOf(text)
    .map(({ x, y, length }) => `M${left + x * dot} ${top + y * dot}h${length * dot}v${dot}h${-length * dot}z`)
    .join('');
