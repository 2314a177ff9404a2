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
const FRAME_MS = 100;
const CLEAR_LINE = '\r\u001b[2K';

function bar(stream: WriteStream): ProgressDisplay {
  const startedAt = Date.now();
  let label: string | undefined;
  let percentage = 0;
  let timer: NodeJS.Timeout | undefined;

  function draw(): void {
    if (label === undefined) return;
    const filled = Math.round((percentage / 100) * WIDTH);
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    const text = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${String(Math.round(percentage)).padStart(3)} %  ${seconds} s  ${label}`;
    stream.write(CLEAR_LINE + text.slice(0, Math.max(20, (stream.columns || 80) - 1)));
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
