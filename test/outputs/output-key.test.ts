import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyBeside } from '../../functions/objects/key-beside.ts';
import { outputKey, safeFileName } from '../../functions/outputs/output-key.ts';

describe('outputKey', () => {
  it('says which output of which attempt it is', () => {
    expect(outputKey({ folder: 'outputs/g1/', attempt: 2, index: 3, name: 'cat.png' })).toBe(
      'outputs/g1/2/3-cat.png',
    );
  });
});

describe('keyBeside', () => {
  const SHA256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

  it.each([
    ['outputs/g1/2/3-cat.png', 'outputs/g1/2/3-cat~2cf24dba.png'],
    ['outputs/g.1/2/3-cat', 'outputs/g.1/2/3-cat~2cf24dba'],
    ['outputs/g1/2/3-w.safetensors', 'outputs/g1/2/3-w~2cf24dba.safetensors'],
    ['outputs/g1/2/3-a.b.tar.gz', 'outputs/g1/2/3-a.b.tar~2cf24dba.gz'],
  ])('of %s is %s', (key, beside) => {
    expect(keyBeside(key, SHA256)).toBe(beside);
  });
});

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
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (name) => {
        const safe = safeFileName(name);
        expect(safe).toMatch(/^[\p{L}\p{M}\p{N}._-]+$/u);
        expect(safe).not.toMatch(/^\.|\.\.|\.$/);
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(107);
        expect(safeFileName(name)).toBe(safe);
      }),
    );
  });
});
