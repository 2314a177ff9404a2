import { expect, it } from 'vitest';
import { createProgressDisplay } from '../../cli/progress-display.ts';

function displayOn({ isTTY }: { readonly isTTY: boolean }) {
  let written = '';
  const stream = { isTTY, columns: 60, write: (text: string) => (written += text) };
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
