import { describe, expect, it } from 'vitest';
import {
  count,
  fields,
  formatBytes,
  formatDuration,
  formatUsd,
  plain,
  plainLines,
  table,
  toJson,
} from '../../cli/text.ts';

describe('text from outside', () => {
  it('becomes one line without escape sequences, controls and reversed text', () => {
    const hostile =
      '\u001b[31mred\u001b[0m \u001b]0;title\u0007tail\r\nnext\u009b2J\u202egnp.exe\u0000\u200b';

    const safe = plain(hostile);

    expect(safe).toBe('red tail nextgnp.exe');
  });

  it('takes no time that grows with its square', () => {
    const open = '\u001b]'.repeat(200_000);
    const startedAt = performance.now();

    expect(plain(`a${open}b`).replaceAll(']', '')).toBe('ab');
    expect(plainLines(`a\u001b]0;title\u0007${open}b\u001b\\c`)).toBe('ac');
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('keeps its lines where they matter, and emoji of several characters', () => {
    expect(plainLines('one\r\ntwo\u0008\n👩‍🚀\tthree ')).toBe('one\ntwo\n👩‍🚀  three');
  });

  it('is the same value in JSON, in which nothing steers a terminal', () => {
    const value = { name: '\u001b[2J\u009b2J\u202e', text: 'é 👩‍🚀' };

    const json = toJson(value);

    expect(JSON.parse(json)).toEqual(value);
    expect(json).not.toMatch(/[\p{Cc}\u202e]/u);
  });
});

describe('formats', () => {
  it.each([
    [0, '$0.00'],
    [0.04, '$0.04'],
    [12.5, '$12.50'],
    [0.0125, '$0.0125'],
    [0.00005, '$0.000050'],
    [1234.5, '$1234.50'],
  ])('writes %d as %s', (usd, text) => expect(formatUsd(usd)).toBe(text));

  it.each([
    [999, '999 B'],
    [1_000, '1.00 kB'],
    [3_249_000, '3.25 MB'],
    [999_600, '1.00 MB'],
    [2_000_000_000, '2.00 GB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [400, '0 s'],
    [119_000, '119 s'],
    [180_000, '3 min'],
    [5 * 3_600_000, '5 h'],
    [50 * 3_600_000, '2 d'],
  ])('writes %d ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('counts things', () => {
    expect([count(1, 'generation'), count(1_200, 'generation')]).toEqual([
      '1 generation',
      '1,200 generations',
    ]);
  });

  it('lays out rows in columns and cuts what is wider than the terminal', () => {
    const text = table(
      ['ID', 'MODEL'],
      [
        ['g1', 'wiro/a\nb'],
        ['g22', 'wiro/long-name'],
      ],
      { width: 12 },
    );

    expect(text).toBe('ID   MODEL\ng1   wiro/a b\ng22  wiro/l…'.replace('wiro/a b', 'wiro/a…'));
  });

  it('lays out names and values, and leaves out what is missing', () => {
    const text = fields([
      ['Status', 'failed'],
      ['Cost', undefined],
      ['Error', 'one\ntwo'],
    ]);

    expect(text).toBe('Status  failed\nError   one\n        two');
  });
});
