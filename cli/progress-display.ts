import type { WriteStream } from 'node:tty';
import { plain } from './text.ts';

/** Shows progress: as a bar on a terminal, otherwise as plain lines. */
export interface ProgressDisplay {
  /** Prints a line that stays visible. */
  line(text: string): void;
  /** Updates the progress. @param percentage - 0 to 100, if known. */
  progress(label: string, percentage?: number): void;
  /** Removes the bar. */
  end(): void;
}

export function createProgressDisplay(stream: NodeJS.WriteStream): ProgressDisplay {
  return stream.isTTY ? bar(stream as WriteStream) : lines(stream);
}

const WIDTH = 30;
/** A shorter bar shows nothing. */
const LEAST_WIDTH = 5;
/** Below this number of columns, the label gets the place of the percentage. */
const NARROW = 40;
const FRAME_MS = 100;
const CLEAR_LINE = '\r\u001b[2K';

function bar(stream: WriteStream): ProgressDisplay {
  const startedAt = Date.now();
  let label: string | undefined;
  let percentage = 0;
  let timer: NodeJS.Timeout | undefined;

  function draw(): void {
    if (label === undefined) return;
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    stream.write(CLEAR_LINE + layOut(label, percentage, `${seconds} s`, (stream.columns || 80) - 1));
  }

  return {
    line: (text) => {
      stream.write(`${label === undefined ? '' : CLEAR_LINE}${text}\n`);
      draw();
    },
    progress: (next, at) => {
      // It may be a line of a model's output.
      label = plain(next);
      if (at !== undefined) percentage = Math.max(percentage, Math.min(100, at));
      timer ??= setInterval(draw, FRAME_MS).unref();
      draw();
    },
    end: () => {
      clearInterval(timer);
      if (label !== undefined) stream.write(CLEAR_LINE);
      label = undefined;
    },
  };
}

/** Lays out one line. A narrow terminal shortens the bar first, then the label, and keeps the time. */
function layOut(label: string, percentage: number, time: string, columns: number): string {
  const percent = `${Math.round(percentage)} %`.padStart(5);
  const text = `${percent}  ${time}  ${label}`;
  const width = Math.min(WIDTH, columns - columnsOf(text) - 1);
  if (width >= LEAST_WIDTH) {
    const filled = Math.round((percentage / 100) * width);
    return `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${text}`;
  }
  return cut(columnsOf(text) <= columns || columns >= NARROW ? text : `${time}  ${label}`, columns);
}

/** Cuts a text to a number of columns, and shows that it did. */
function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = '';
  for (const letter of text) {
    if (columnsOf(kept + letter) > columns - 1) break;
    kept += letter;
  }
  return `${kept}…`;
}

/** The columns that a terminal takes for a text: two for a character of East Asia and for most pictures. */
const columnsOf = (text: string): number =>
  [...text].reduce((sum, letter) => sum + (WIDE.test(letter) ? 2 : 1), 0);

const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uff01-\uff60]/u;

/** Prints one line per ten percent, and one for each step without a percentage. Never repeats a line. */
function lines(stream: NodeJS.WriteStream): ProgressDisplay {
  const printed = new Set<string>();
  let lastTenth = -1;
  return {
    line: (text) => void stream.write(`${text}\n`),
    progress: (text, percentage) => {
      const label = plain(text);
      if (percentage === undefined) {
        if (!printed.has(label)) stream.write(`${label}\n`);
        printed.add(label);
        return;
      }
      const tenth = Math.floor(percentage / 10);
      if (tenth > lastTenth) stream.write(`${Math.round(percentage)} % ${label}\n`);
      lastTenth = Math.max(lastTenth, tenth);
    },
    end: () => {},
  };
}
