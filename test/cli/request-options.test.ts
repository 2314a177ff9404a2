import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../cli/errors.ts';
import {
  placeholder,
  readCount,
  readInput,
  readRequestOptions,
  readUsd,
  withInputs,
} from '../../cli/request-options.ts';
import { temporaryFolder } from './support.ts';

const folder = temporaryFolder();

describe('a request on the command line', () => {
  it('has parameters as text or JSON, labels, and inputs in the order given', async () => {
    await writeFile(folder.file('a.png'), 'a');
    const given = await readRequestOptions('wiro/x', {
      parameter: ['prompt=a = b', 'empty=', 'messages:=[{"role":"user"}]'],
      input: [`image=${folder.file('a.png')}`, 'image=https://x.test/b.png?c=d', 'mask=s3://bucket/m.png'],
      label: ['order=1=2'],
      maxCost: 0.5,
      key: 'k',
    });

    const request = await withInputs(given, ({ name }) => `uploaded/${name}`);

    expect(request).toEqual({
      model: 'wiro/x',
      parameters: { prompt: 'a = b', empty: '', messages: [{ role: 'user' }] },
      inputs: { image: ['uploaded/a.png', 'https://x.test/b.png?c=d'], mask: 's3://bucket/m.png' },
      labels: { order: '1=2' },
      maxCostUsd: 0.5,
      idempotencyKey: 'k',
    });
  });

  it('is refused with everything that is wrong, and nothing steers the terminal', async () => {
    const refusal = await readRequestOptions('wiro/x', {
      parameter: ['prompt', 'a=1', 'a=2', 'list:=[', '\u001b[2J=x'],
      input: ['photo.png', `image=${folder.file('none.png')}`],
      label: ['x'],
    }).catch((error) => error);

    expect(refusal.exitCode).toBe(EXIT.usage);
    expect(refusal.message.split('\n')).toEqual([
      '-p prompt: use -p name=value, with the name of a parameter.',
      '-p a is given twice: leave one out.',
      '-p list:= takes JSON, and this is none: quote it for the shell, or use list=text.',
      '-p =x: use -p name=value, with the name of a parameter.',
      '--label x: use --label name=text.',
      '-i photo.png: use -i name=file.',
      `-i image: there is no file "${folder.file('none.png')}": correct the path, or name an object of the input bucket as s3://bucket/key.`,
    ]);
  });

  it('takes a key under inputs/ where there is no such file', async () => {
    const { inputs } = await readRequestOptions('wiro/a', {
      input: ['image=inputs/temporary/no-such-file.png'],
    });

    expect(inputs).toEqual({ image: [{ source: 'inputs/temporary/no-such-file.png' }] });
    await expect(readRequestOptions('wiro/a', { input: ['image=./inputs/none.png'] })).rejects.toThrow(
      'there is no file',
    );
    await expect(readInput('inputs/none.png', folder.path)).rejects.toThrow('there is no file');
  });

  it('checks its files before anything is asked of a deployment', async () => {
    await mkdir(folder.file('folder'));
    await writeFile(folder.file('empty.png'), '');
    await writeFile(folder.file('large.png'), 'x');
    await truncate(folder.file('large.png'), 100 * 1024 * 1024 + 1);
    const problem = (name: string) =>
      readInput(name, folder.path).then(
        () => undefined,
        ({ message }: Error) => message,
      );

    expect(await problem('folder')).toBe('"folder" is no file: name one file.');
    expect(await problem('empty.png')).toBe('"empty.png" is empty (0 bytes).');
    expect(await problem('large.png')).toMatch(/has 104857601 bytes; Wiro takes at most 104857600/);
    expect(await problem('http://x.test/a.png')).toBe('a URL must begin with https://.');
    expect(await problem('')).toMatch(/^there is no file ""/);
  });

  it('is only checked with an address in place of a file', () => {
    expect(placeholder({ path: '/x/my photo.png', name: 'my photo.png', sizeBytes: 1 })).toBe(
      'https://example.com/my%20photo.png',
    );
  });

  it('has amounts and counts that are such', () => {
    expect(readUsd('$0.50')).toBe(0.5);
    expect(() => readUsd('much')).toThrow('--max-cost is "much"');
    expect(() => readUsd('0')).toThrow('above 0');
    expect(readCount('--limit', 100)('7')).toBe(7);
    expect(() => readCount('--limit', 100)('101')).toThrow(
      '--limit is "101": use a whole number from 1 to 100.',
    );
  });
});
