import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { saveOutputs } from '../../cli/save-output.ts';
import type { Generation, Output } from '../../client/index.ts';
import { serveAnswers } from '../client/api-server.ts';
import { temporaryFolder } from './support.ts';

const folder = temporaryFolder();
const never = new AbortController().signal;

const outputOf = (name: string, content: string, url: string): Output => ({
  name,
  bucket: 'outputs',
  key: name,
  contentType: 'image/png',
  sizeBytes: Buffer.byteLength(content),
  sha256: createHash('sha256').update(content).digest('hex'),
  url,
  urlExpiresAt: '2026-11-29T00:00:00.000Z',
});
const noClient = { get: () => Promise.reject(new Error('not needed')) };
const clientWith = (...outputs: Output[]) => ({
  get: async () => ({ id: 'g1', outputs }) as unknown as Generation,
});
const filesIn = async (name: string) => (await readdir(folder.file(name))).sort();

describe('saved outputs', () => {
  it('lie in a folder of their generation, under their names, and are kept if they are there', async () => {
    const { url, heard } = await serveAnswers({ status: 200, text: 'one' });
    const generation = { id: 'g1', outputs: [outputOf('0.png', 'one', url)] };
    const options = { directory: folder.path, signal: never };

    const first = await saveOutputs(noClient, generation, options);
    const again = await saveOutputs(noClient, generation, options);

    expect(first).toMatchObject([{ path: folder.file('g1/0.png'), wasThere: false }]);
    expect(again).toMatchObject([{ path: folder.file('g1/0.png'), wasThere: true }]);
    expect(await readFile(folder.file('g1/0.png'), 'utf8')).toBe('one');
    expect(heard).toHaveLength(1);
  });

  it('never replace a file, and two of one name lie beside each other', async () => {
    const { url } = await serveAnswers({ status: 200, text: 'one' }, { status: 200, text: 'two' });
    await mkdir(folder.file('g1'));
    await writeFile(folder.file('g1/0.png'), 'mine');

    const saved = await saveOutputs(
      noClient,
      { id: 'g1', outputs: [outputOf('0.png', 'one', url), outputOf('0.png', 'two', url)] },
      { directory: folder.path, signal: never },
    );

    expect(saved.map((file) => path.basename(file.path))).toEqual(['0-2.png', '0-3.png']);
    expect(await readFile(folder.file('g1/0.png'), 'utf8')).toBe('mine');
    expect(await filesIn('g1')).toEqual(['0-2.png', '0-3.png', '0.png']);
  });

  it.each([
    ['../../evil.sh', 'evil.sh'],
    ['/etc/passwd', 'passwd'],
    ['..\\..\\evil.exe', 'evil.exe'],
    ['CON.png', '_CON.png'],
    ['COM¹.png', '_COM¹.png'],
    ['\u001b[2J\u202egnp.exe', '2J-gnp.exe'],
    ['..', 'output'],
    ['-rf.png', 'rf.png'],
  ])('named %j stay in their folder as %s', async (given, name) => {
    const { url } = await serveAnswers({ status: 200, text: 'x' });

    const [saved] = await saveOutputs(
      noClient,
      { id: '../g1', outputs: [outputOf(given, 'x', url)] },
      { directory: folder.path, signal: never },
    );

    expect(saved?.path).toBe(folder.file(`g1/${name}`));
  });

  it('are read again with a new link when theirs has expired, and when bytes are wrong', async () => {
    const { url, heard } = await serveAnswers(
      { status: 403, text: 'expired' },
      { status: 200, text: 'broken' },
      { status: 200, text: 'whole' },
    );

    await saveOutputs(
      clientWith(outputOf('0.png', 'whole', `${url}/new`)),
      { id: 'g1', outputs: [outputOf('0.png', 'whole', `${url}/old`)] },
      { directory: folder.path, signal: never },
    );

    expect(heard.map((request) => request.path)).toEqual(['/old', '/new', '/new']);
    expect(await filesIn('g1')).toEqual(['0.png']);
  });

  it('leave nothing behind that is not what the record says', async () => {
    const { url } = await serveAnswers({ status: 200, text: 'wrong' });
    const output = outputOf('0.png', 'whole', url);

    const refusal = await saveOutputs(
      clientWith(output),
      { id: 'g1', outputs: [output] },
      { directory: folder.path, signal: never },
    ).catch((error) => error);

    expect(refusal.message).toBe('Cannot save 0.png of g1');
    expect(refusal.cause.message).toMatch(/has the SHA-256 .* but the record says/);
    expect(await filesIn('g1')).toEqual([]);
  });

  it('stop at more bytes than the record says', async () => {
    const { url } = await serveAnswers({ status: 200, text: 'x'.repeat(100) });
    const output = outputOf('0.png', 'small', url);

    const refusal = await saveOutputs(
      clientWith(output),
      { id: 'g1', outputs: [output] },
      { directory: folder.path, signal: never },
    ).catch((error) => error);

    expect(refusal.cause.message).toBe('more than the 5 bytes of the record came');
    expect(await filesIn('g1')).toEqual([]);
  });

  it('stop with Ctrl-C', async () => {
    const { url } = await serveAnswers({ status: 200, text: 'one' });
    const stop = new AbortController();
    stop.abort(new Error('Ctrl-C'));

    const saving = saveOutputs(
      noClient,
      { id: 'g1', outputs: [outputOf('0.png', 'one', url)] },
      { directory: folder.path, signal: stop.signal },
    );

    await expect(saving).rejects.toThrow('Ctrl-C');
    expect(await filesIn('g1')).toEqual([]);
  });
});
