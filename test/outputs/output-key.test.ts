import { describe, expect, it } from 'vitest';
import { keyBeside } from '../../functions/objects/key-beside.ts';
import { outputKey } from '../../functions/outputs/output-key.ts';

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
