import { createHash } from 'node:crypto';
import { encodePng } from '../png.ts';
import type { Size } from './backdrop.ts';
import { ADVANCE, LINE, runsOf } from './bitmap-font.ts';

export interface CardRequest extends Size {
  readonly model: string;
  readonly prompt: string;
  readonly inputs: readonly { readonly sizeBytes: number; readonly sha256: string }[];
  /** The same seed and sample create the same image. */
  readonly seed: string;
  readonly sample: number;
}

/** Draws a card that says "SIMULATED" and what arrived: model, inputs and prompt. Needs no image library. */
export function drawCard({ width, height, model, prompt, inputs, seed, sample }: CardRequest): Buffer {
  const rowBytes = Math.ceil(width / 8);
  const rows = Array.from({ length: height }, () => Buffer.alloc(rowBytes));
  const small = Math.max(1, Math.floor(Math.min(width / 256, height / 192) / 2));
  const margin = 6 * small;
  let top = margin;

  function write(text: string, dot: number): void {
    for (const { x, y, length } of runsOf(text))
      for (let row = top + y * dot; row < Math.min(height, top + (y + 1) * dot); row += 1)
        for (
          let column = margin + x * dot;
          column < Math.min(width, margin + (x + length) * dot);
          column += 1
        )
          rows[row]?.fill(
            (rows[row]?.[column >> 3] ?? 0) | (0x80 >> (column & 7)),
            column >> 3,
            (column >> 3) + 1,
          );
    top += LINE * dot;
  }

  write('SIMULATED', 2 * small);
  const perLine = Math.max(1, Math.floor((width - 2 * margin) / (ADVANCE * small)));
  const facts = [
    `NOT MADE BY ${model}, SAMPLE ${sample + 1}`,
    `INPUTS ${inputs.length}`,
    ...inputs.map(
      ({ sizeBytes, sha256 }, index) =>
        `INPUT ${index + 1}: ${sizeBytes} BYTES, SHA-256 ${sha256.slice(0, 16)}`,
    ),
    `PROMPT: ${prompt.replace(/\s+/g, ' ').trim()}`,
  ];
  for (const fact of facts)
    for (let at = 0; at < fact.length && top < height; at += perLine)
      write(fact.slice(at, at + perLine), small);
  const [red = 0, green = 0, blue = 0] = createHash('sha256').update(`${seed}/${sample}`).digest();
  // Dark enough for white letters.
  const background = [red >> 1, green >> 1, blue >> 1];
  return encodePng({
    width,
    height,
    bitDepth: 1,
    colourType: 3,
    rows,
    palette: [...background, 255, 255, 255],
  });
}
