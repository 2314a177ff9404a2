import { describe, expect, it } from 'vitest';
import { isFlatFolder } from '../../functions/generation/output-folder.ts';
import { keyBeside } from '../../functions/objects/key-beside.ts';
import { outputKey } from '../../functions/outputs/output-key.ts';

describe('outputKey', () => {
  it('says which output of which attempt it is', () => {
    expect(outputKey({ folder: 'outputs/g1/', attempt: 2, index: 3, name: 'cat.png' })).toBe(
      'outputs/g1/2/3-cat.png',
    );
  });

  it.each([
    [1, 'outputs/portraits/x/3-cat.png'],
    [2, 'outputs/portraits/x/attempt-2/3-cat.png'],
  ])('of attempt %i in a flat folder is %s', (attempt, key) => {
    expect(
      outputKey({ folder: 'outputs/portraits/x/', attempt, index: 3, name: 'cat.png', isFlat: true }),
    ).toBe(key);
  });

  it('is flat only in a folder that this release named', () => {
    const id = 'a'.repeat(26);

    expect(isFlatFolder({ id, outputFolder: undefined })).toBe(false);
    expect(isFlatFolder({ id, outputFolder: `outputs/portraits/anna.png-${id}/` })).toBe(false);
    expect(isFlatFolder({ id, outputFolder: 'outputs/portraits/20260331T210005-anna.png-aaaaaa/' })).toBe(
      true,
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
