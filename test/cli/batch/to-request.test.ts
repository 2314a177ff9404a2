import { mkdir, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { rowKeys } from '../../../cli/batch/row-keys.ts';
import { toRequest } from '../../../cli/batch/to-request.ts';
import type { GivenRequest } from '../../../cli/request-options.ts';
import { temporaryFolder } from '../support.ts';

const folder = temporaryFolder();
const NONE = { parameters: {}, labels: {} };
const MODEL = {
  parameters: [
    { id: 'prompt', type: 'textarea', required: true },
    { id: 'image', type: 'fileinput', required: false },
    { id: 'images', type: 'multifileinput', required: false },
  ],
};

it('cells become parameters, files by the schema of the model, and labels', async () => {
  await mkdir(folder.file('photos'));
  for (const name of ['a', 'b']) await writeFile(folder.file(`photos/${name}.png`), name);
  const cells = {
    model: 'wiro/x',
    prompt: 'Two friends',
    width: '1024',
    image: 'photos/a.png',
    images: 'photos/a.png | photos/b.png\nhttps://x.test/c.png',
    'label.order': '17',
    'parameter.image': 'as text',
    'input.odd': 's3://bucket/key',
    maxCostUsd: '0.5',
  };

  const row = await toRequest({ kind: 'cells', cells }, NONE, MODEL, folder.path);

  const file = (name: string) => ({ file: { path: folder.file(`photos/${name}`), name, sizeBytes: 1 } });
  expect(row).toEqual({
    kind: 'request',
    given: {
      request: {
        model: 'wiro/x',
        parameters: { prompt: 'Two friends', width: '1024', image: 'as text' },
        labels: { order: '17' },
        maxCostUsd: 0.5,
      },
      inputs: {
        image: [file('a.png')],
        images: [file('a.png'), file('b.png'), { source: 'https://x.test/c.png' }],
        odd: [{ source: 's3://bucket/key' }],
      },
    },
  });
});

it('what the command line says stands behind what a row says', async () => {
  const defaults = {
    model: 'wiro/all',
    parameters: { width: '512', prompt: 'nothing' },
    labels: { batch: 'june' },
    maxCostUsd: 1,
  };

  const row = await toRequest(
    { kind: 'request', request: { parameters: { prompt: 'mine' }, labels: { order: '1' } } },
    defaults,
    undefined,
    folder.path,
  );

  expect(row).toMatchObject({
    given: {
      request: {
        model: 'wiro/all',
        parameters: { width: '512', prompt: 'mine' },
        labels: { batch: 'june', order: '1' },
        maxCostUsd: 1,
      },
    },
  });
});

it('says everything that is wrong with a row', async () => {
  const request = {
    parameters: [],
    inputs: { image: 'none.png', list: [1] },
    dryRun: true,
  };

  const row = await toRequest({ kind: 'request', request }, NONE, undefined, folder.path);

  expect(row).toEqual({
    kind: 'wrong',
    problems: [
      'the model is missing: add "model" (owner/project), or --model for the whole file',
      '"parameters" must be an object',
      '"dryRun" is not for a file: use submit --dry-run',
      '"inputs.list" must be a file or a list of files',
      expect.stringContaining('image: there is no file "none.png"'),
    ],
  });
});

it('a key is of the batch, the request, its files’ content and how many equal ones come before', () => {
  const request = (prompt: string, more: Partial<GivenRequest> = {}): GivenRequest => ({
    request: { model: 'wiro/x', parameters: { prompt } },
    inputs: {},
    ...more,
  });
  const withFile = request('a', {
    inputs: { image: [{ file: { path: '/p.png', name: 'p.png', sizeBytes: 1 } }] },
  });
  const own = request('a', { request: { model: 'wiro/x', idempotencyKey: 'mine' } });
  const keys = (batch: string, requests: readonly GivenRequest[], digest = 'd1') =>
    rowKeys(batch, requests, () => digest);

  const all = keys('b1', [request('a'), request('b'), request('a'), withFile, own]);

  expect(new Set(all).size).toBe(5);
  expect(all[4]).toBe('mine');
  // Another row between them changes none of the others, and neither does the limit of the costs.
  const costly = request('b', { request: { model: 'wiro/x', parameters: { prompt: 'b' }, maxCostUsd: 1 } });
  expect(keys('b1', [request('new'), request('a'), costly, request('a')])).toEqual([
    expect.anything(),
    all[0],
    all[1],
    all[2],
  ]);
  expect(keys('b2', [request('a')])).not.toEqual([all[0]]);
  expect(keys('b1', [withFile], 'd2')).not.toEqual([all[3]]);
});
