import { expect, it, onTestFinished, vi } from 'vitest';
import { createProgressDisplay } from '../../cli/progress-display.ts';

function displayOn({ isTTY, columns = 60 }: { readonly isTTY: boolean; readonly columns?: number }) {
  let written = '';
  const stream = { isTTY, columns, write: (text: string) => (written += text) };
  return { display: createProgressDisplay(stream as never), written: () => written };
}

it('writes plain lines without a terminal: each step once, and every ten percent', () => {
  const { display, written } = displayOn({ isTTY: false });

  display.line('Wiro: the simulator');
  for (const label of ['queued', 'submitting', 'queued']) display.progress(label);
  for (const percentage of [0, 4, 9, 12, 14, 11, 31]) display.progress('running', percentage);
  display.end();

  expect(written()).toBe(
    'Wiro: the simulator\nqueued\nsubmitting\n0 % running\n12 % running\n31 % running\n',
  );
});

it('draws one bar on a terminal, moves it below lines, and removes it at the end', () => {
  const { display, written } = displayOn({ isTTY: true });

  display.progress('running', 50);
  display.line('Generation g1');
  display.end();

  const clear = '\r\u001b[2K';
  const bar = expect.stringMatching(/^█{15}░{15} {2}50 % {2}0\.\d s {2}running$/) as string;
  expect(written().split(clear)).toEqual(['', bar, 'Generation g1\n', bar, '']);
});

it('never decreases, and never exceeds the terminal’s width', () => {
  const { display, written } = displayOn({ isTTY: true });

  display.progress('running', 60);
  display.progress('a label that is far too long for a terminal of sixty columns', 20);

  const last = written().split('\r\u001b[2K').at(-1) ?? '';
  expect(last).toContain(' 60 % ');
  expect(last.length).toBeLessThan(60);
});

it.each([
  [50, '███████████░░░░░░░░░░░  50 %  0.0 s  step 10 of 20'],
  [30, ' 50 %  0.0 s  step 10 of 20'],
  [24, '0.0 s  step 10 of 20'],
  [18, '0.0 s  step 10 of…'],
])('keeps the stage and the time on a terminal of %i columns', (columns, expected) => {
  vi.useFakeTimers({ now: 0 });
  onTestFinished(() => void vi.useRealTimers());
  const { display, written } = displayOn({ isTTY: true, columns: columns + 1 });

  display.progress('step 10 of 20', 50);

  expect(written().split('\r\u001b[2K').at(-1)).toBe(expected);
});

it('counts two columns for a wide character', () => {
  const { display, written } = displayOn({ isTTY: true, columns: 15 });

  display.progress('画像を生成しています');

  expect(written().split('\r\u001b[2K').at(-1)).toBe('0.0 s  画像を…');
});
