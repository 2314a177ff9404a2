import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { safeFileName } from '../../functions/runtime/safe-file-name.ts';

/** Half of a pair included. fast-check's own `binary` takes seconds to set up. */
const ANY_CHARACTER = fc.integer({ min: 0, max: 0x10_ff_ff }).map((point) => String.fromCodePoint(point));

describe('safeFileName', () => {
  it.each([
    ['cat.png', 'cat.png'],
    ['My Cat (1).PNG', 'My-Cat-1.png'],
    ['../../x', 'x'],
    ['..\\..\\boot.ini', 'boot.ini'],
    ['/etc/passwd', 'passwd'],
    ['', 'output'],
    ['.', 'output'],
    ['..', 'output'],
    ['...', 'output'],
    ['a/', 'output'],
    ['.png', 'output.png'],
    ['😀.png', 'output.png'],
    ['cat😀dog.webp', 'cat-dog.webp'],
    ['cafe\u0301.png', 'café.png'],
    ['çıktı.png', 'çıktı.png'],
    ['a..b.tar.gz', 'a.b.tar.gz'],
    ['a\u0000b\nc.png', 'a-b-c.png'],
    ['\u202egnp.exe', 'gnp.exe'],
    ['%2e%2e%2fx.png', '2e-2e-2fx.png'],
    ['a?x=1&y=2.png', 'a-x-1-y-2.png'],
    ['<script>.html', 'script.html'],
    ['\ud800.png', 'output.png'],
    ['no-extension', 'no-extension'],
  ])('makes %j into %j', (name, safe) => {
    expect(safeFileName(name)).toBe(safe);
  });

  it('keeps the extension of a long name', () => {
    expect(safeFileName(`${'a'.repeat(300)}.png`)).toBe(`${'a'.repeat(96)}.png`);
    expect(Buffer.byteLength(safeFileName(`${'ü'.repeat(300)}.png`))).toBe(100);
  });

  it('makes one short, harmless path segment out of anything, and the same out of the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: ANY_CHARACTER, maxLength: 400 }), (name) => {
        const safe = safeFileName(name);
        expect(safe).toMatch(/^[\p{L}\p{M}\p{N}._-]+$/u);
        expect(safe).not.toMatch(/^\.|\.\.|\.$/);
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(107);
        expect(safeFileName(name)).toBe(safe);
      }),
    );
  });
});
