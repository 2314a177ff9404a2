import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { callbackUrl } from '../../functions/generation/callback-url.ts';
import { searchTask } from '../../functions/wiro/search-task.ts';
import { at } from '../generation/examples.ts';
import { clientOf, wiroThat, wiroThatAnswers } from './server.ts';

const MB = 1024 * 1024;
/** Long enough for a busy machine. */
const PATIENT = { headersMs: 60_000, bodyMs: 60_000 };
const generationId = 'abcdefghijklmnopqrstuvwxyz';
const SUBJECT = { deployment: 'shop', generationId, attempt: 1 };
const run = {
  ...SUBJECT,
  model: 'wiro/flux',
  startedAt: at(0),
  marginMs: 300_000,
  secrets: ['secret'],
};
const OURS = callbackUrl('https://callback.example', SUBJECT, 'secret');

describe('a task whose record exceeds the memory limit', () => {
  const task = {
    id: '5',
    status: 'task_postprocess_end',
    pexit: '0',
    totalcost: '0.5',
    parameters: { prompt: 'p' },
    debugoutput: 'step 1 of 100000\n'.repeat(300_000),
    outputs: [{ name: 'a.safetensors', url: 'https://cdn.wiro.ai/a', size: '3' }],
  };

  it('is read without its log', async () => {
    const { apiUrl } = await wiroThatAnswers({ result: true, errors: [], tasklist: [task] });

    expect(await clientOf(apiUrl, PATIENT).task({ taskId: '5' })).toEqual({
      id: '5',
      status: 'task_postprocess_end',
      end: 'succeeded',
      exitCode: '0',
      costUsd: 0.5,
      outputs: [{ kind: 'file', name: 'a.safetensors', url: 'https://cdn.wiro.ai/a', sizeBytes: 3 }],
    });
  });

  it("is read with every digit of a language model's answer", async () => {
    const content = `{"raw":"${'word '.repeat(MB)}","seed":12345678901234567890}`;
    const text = `{"result":true,"tasklist":[{"id":"5","status":"task_start","debugoutput":"${'word '.repeat(MB)}","outputs":[{"contenttype":"raw","content":${content}}]}]}`;
    const { apiUrl } = await wiroThatAnswers(text);

    const found = await clientOf(apiUrl, PATIENT).task({ taskId: '5' });

    expect(found?.outputs).toMatchObject([{ kind: 'raw' }]);
    expect(found?.outputs[0]).toHaveProperty('source', content);
    expect(found?.outputs[0]).not.toHaveProperty('text');
  });

  it('fails if even its outputs exceed the limit', async () => {
    const outputs = Array.from({ length: 9 }, () => ({ contenttype: 'raw', content: 'x'.repeat(MB) }));
    const { apiUrl } = await wiroThatAnswers({ result: true, tasklist: [{ ...task, outputs }] });

    await expect(clientOf(apiUrl, PATIENT).task({ taskId: '5' })).rejects.toMatchObject({
      kind: 'tooLarge',
      retryable: false,
    });
  });

  it('may take longer than a small record while data moves', async () => {
    const { apiUrl } = await wiroThat(async (response) => {
      response.write('{"result":true,"tasklist":[{"id":"5","status":"task_start","debugoutput":"');
      for (let piece = 0; piece < 4; piece += 1) {
        response.write('x'.repeat(5 * MB));
        await setTimeout(500);
      }
      response.end('"}]}');
    });
    const begun = performance.now();

    const found = await clientOf(apiUrl, { bodyMs: 1_800 }).task({ taskId: '5' });

    expect(found?.status).toBe('task_start');
    expect(performance.now() - begun).toBeGreaterThan(1_800);
  });

  it.each([
    ['stops moving', 5 * MB],
    ['stops before it is large', MB],
  ])('fails when it %s', async (_, sizeBytes) => {
    const { apiUrl } = await wiroThat((response) => {
      response.write(`{"result":true,"tasklist":[{"debugoutput":"${'x'.repeat(sizeBytes)}`);
    });

    await expect(clientOf(apiUrl, { bodyMs: 200 }).task({ taskId: '5' })).rejects.toMatchObject({
      kind: 'timeout',
      retryable: true,
    });
  });

  it('is not read without a time limit', async () => {
    const { apiUrl } = await wiroThat(async (response) => {
      response.write('{"result":true,"tasklist":[{"debugoutput":"');
      while (!response.destroyed) {
        response.write('x'.repeat(MB));
        await setTimeout(10);
      }
    });

    await expect(clientOf(apiUrl, { bodyMs: 100 }).task({ taskId: '5' })).rejects.toMatchObject({
      kind: 'timeout',
      retryable: true,
    });
  });

  it.each([
    ['is cut off', '{"result":true,"tasklist":[{"id":"5","debugoutput":"', 200, 'badAnswer'],
    ['is a page', '<html>', 200, 'badAnswer'],
    ['is an error', '<html>', 502, 'status'],
  ])('that %s is not accepted', async (_, begin, status, kind) => {
    const { apiUrl } = await wiroThatAnswers(begin + 'x'.repeat(5 * MB), status);

    await expect(clientOf(apiUrl, PATIENT).task({ taskId: '5' })).rejects.toMatchObject({
      kind,
      retryable: true,
    });
  });
});

describe('a list whose page exceeds the memory limit', () => {
  /** Sixty rows, one of them ours. The first row of a page has enough text to fill the page to that many bytes. */
  const listOf = async (pageBytes: (limit: number) => number) => {
    const limits: number[] = [];
    const createtime = (row: number) => String(Date.parse(at(0)) / 1_000 - (row > 30 ? 4_000 : 0));
    const rows = Array.from({ length: 60 }, (_, row) => ({
      id: String(1_000 - row),
      status: 'task_postprocess_end',
      createtime: createtime(row),
      callbackurl: row === 7 ? OURS : 'https://else.example/',
    }));
    const { apiUrl } = await wiroThat((response, { body }) => {
      const { start, limit } = JSON.parse(body) as { start: string; limit: string };
      limits.push(Number(limit));
      const [first, ...others] = rows.slice(Number(start), Number(start) + Number(limit));
      const text = 'x'.repeat(pageBytes(Number(limit)) / 2);
      const outputs = [{ contenttype: 'raw', content: { raw: text } }];
      const tasklist = [{ ...first, debugoutput: text, outputs }, ...others];
      response.end(JSON.stringify({ result: true, errors: [], tasklist }));
    });
    return { apiUrl, limits };
  };

  it('is read without its texts, so that the task of a lost Run is found in it', async () => {
    const { apiUrl, limits } = await listOf(() => 10 * MB);

    expect(await searchTask(clientOf(apiUrl, PATIENT), run)).toMatchObject({
      kind: 'found',
      task: { id: '993' },
    });
    expect(limits).toEqual([50]);
  });

  it('is requested again with half as many rows if it is too large to wait for', async () => {
    const { apiUrl, limits } = await listOf((limit) => (limit > 25 ? 34 : 1) * MB);

    expect(await searchTask(clientOf(apiUrl, PATIENT), run)).toMatchObject({
      kind: 'found',
      task: { id: '993' },
    });
    expect(limits).toEqual([50, 25]);
  });
});
