import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { eventually } from '../support/eventually.ts';
import { picture } from '../support/pictures.ts';
import { download, sha256, startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

const system = await startSystem();
const { simulator } = system;
const certificate = makeCertificate();

/** The bytes that Wiro got for a generation's inputs, in their order. */
async function broughtTo(id: string): Promise<readonly string[]> {
  const urls = system.tasksOf(id).flatMap(({ inputUrls }) => inputUrls);
  return Promise.all(urls.map(async (url) => sha256((await download(url)).bytes)));
}

describe('a generation', () => {
  it('of a model that takes a prompt alone', async () => {
    const { id } = await system.submit({
      model: 'wiro/text-to-image',
      parameters: { prompt: 'A hill', samples: 3 },
    });

    const record = await system.ended(id);

    expect(record).toMatchObject({ status: 'succeeded', costUsd: 0.04, inputs: {} });
    expect(record.outputs.map(({ key }) => key.split('/').at(-1)?.slice(0, 2))).toEqual(['0-', '1-', '2-']);
  });

  it('of a model that requires one file', async () => {
    await system.put('single/pixel.png', picture(11), 'image/png');

    const { id } = await system.submit({
      model: 'wiro/image-to-image',
      inputs: { inputImage: 'single/pixel.png' },
    });

    expect(await system.ended(id)).toMatchObject({
      status: 'succeeded',
      inputs: { inputImage: 'single/pixel.png' },
    });
    expect(await broughtTo(id)).toEqual([sha256(picture(11))]);
  });

  it('of a model that takes several files, in their order', async () => {
    const keys = ['several/c.png', 'several/a, b.png', 'several/ä%20+.png'];
    for (const [index, key] of keys.entries()) await system.put(key, picture(20 + index), 'image/png');

    const { id } = await system.submit({
      model: 'wiro/group-portrait',
      parameters: { prompt: 'All of them' },
      inputs: { inputImages: keys },
    });

    expect(await system.ended(id)).toMatchObject({ status: 'succeeded', inputs: { inputImages: keys } });
    expect(await broughtTo(id)).toEqual([20, 21, 22].map((shade) => sha256(picture(shade))));
  });

  it('of a model that takes files and URLs mixed', async () => {
    for (const shade of [30, 31]) await system.put(`mixed/${shade}.png`, picture(shade), 'image/png');

    const { id } = await system.submit({
      model: 'wiro/collage',
      inputs: { inputImage: ['mixed/30.png', 'mixed/31.png'] },
    });

    expect(await system.ended(id)).toMatchObject({ status: 'succeeded' });
    expect(await broughtTo(id)).toEqual([30, 31].map((shade) => sha256(picture(shade))));
  });

  it('of a model whose parameters Wiro does not list', async () => {
    const { id } = await system.submit({ model: 'wiro/no-parameters', parameters: { anything: 'goes' } });

    expect(await system.ended(id)).toMatchObject({ status: 'succeeded', costUsd: 0.01 });
    expect(system.tasksOf(id)[0]?.parameters).toMatchObject({ anything: 'goes' });
  });

  it('of a language model, whose answer is an object and in the record', async () => {
    const { id } = await system.submit({ model: 'wiro/language-model', parameters: { prompt: 'Why?' } });

    const { outputs, finishReason, usage, startedAt } = await system.ended(id);
    const [output] = outputs;
    const stored = await system.object(output?.key ?? '', output?.bucket);

    expect(outputs).toHaveLength(1);
    expect([finishReason, usage]).toEqual(['stop', { prompt_tokens: 1, completion_tokens: 34 }]);
    expect(Date.parse(startedAt ?? '')).not.toBeNaN();
    expect(stored?.metadata).toEqual({ generation: id, model: 'wiro/language-model', index: '0' });
    expect(output).toMatchObject({
      name: 'answer.json',
      key: `outputs/${id}/1/0-answer.json`,
      contentType: 'application/json',
      sizeBytes: stored?.bytes.length,
      sha256: stored?.sha256,
      content: {
        text: 'You asked: "Why?".\nThis is a simulated answer of a simulated language model.',
        content: {
          prompt: 'Why?',
          answer: ['You asked: "Why?".', 'This is a simulated answer of a simulated language model.'],
        },
      },
    });
    expect(JSON.parse(stored?.bytes.toString() ?? '')).toEqual(output?.content);
  });

  it('of a language model with a long answer, which is an object alone', async () => {
    const prompt = 'Why? '.repeat(2_000);
    const { id } = await system.submit({ model: 'wiro/language-model', parameters: { prompt } });

    const { outputs } = await system.ended(id);

    expect(outputs[0]).not.toHaveProperty('content');
    const stored = await system.object(outputs[0]?.key ?? '', outputs[0]?.bucket);
    expect(JSON.parse(stored?.bytes.toString() ?? '').content.prompt).toBe(prompt);
  });

  it('of a model with an output of many parts', async () => {
    const bytes = 20 * 1024 * 1024 + 1;
    const { id } = await system.submit({
      model: 'wiro/simulated-video',
      parameters: { prompt: 'Waves', bytes },
    });

    const { outputs, status } = await system.ended(id);
    const [served, stored] = await Promise.all([
      download(system.tasksOf(id)[0]?.outputUrls[0] ?? ''),
      system.object(outputs[0]?.key ?? '', outputs[0]?.bucket),
    ]);

    expect([status, outputs[0]?.sizeBytes, outputs[0]?.sha256]).toEqual([
      'succeeded',
      bytes,
      sha256(served.bytes),
    ]);
    expect(stored?.bytes.equals(served.bytes)).toBe(true);
    expect(stored?.contentType).toBe(served.response.headers.get('content-type'));
  });

  it.skipIf(certificate === undefined)(
    'passes an https:// URL on, and does not fetch it itself',
    async () => {
      const asked: (string | undefined)[] = [];
      const server = createServer({ ...certificate }, (request, response) => {
        asked.push(request.url);
        response.writeHead(200, { 'content-type': 'image/png' }).end(picture(40));
      });
      await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
      const before = tls.getCACertificates('default');
      tls.setDefaultCACertificates([...before, certificate?.cert ?? '']);
      onTestFinished(() => {
        tls.setDefaultCACertificates(before);
        server.close();
        server.closeAllConnections();
      });
      const url = `https://localhost:${(server.address() as AddressInfo).port}/a.png?signature=1%2C2`;

      const { id } = await system.submit({ model: 'wiro/image-to-image', inputs: { inputImage: url } });

      expect(await system.ended(id)).toMatchObject({ status: 'succeeded', inputs: { inputImage: url } });
      expect(system.tasksOf(id)[0]?.inputUrls).toEqual([url]);
      expect(asked).toEqual(['/a.png?signature=1%2C2']);
    },
  );
});

describe('an input', () => {
  it('is uploaded once, whoever uses it, by content and not by key', async () => {
    await system.put('shared/one.png', picture(50), 'image/png');
    await system.put('shared/same.png', picture(50), 'image/png');
    const use = (key: string) => system.submit({ model: 'wiro/image-to-image', inputs: { inputImage: key } });

    const first = await use('shared/one.png');
    await system.ended(first.id);
    const others = await Promise.all(['shared/one.png', 'shared/same.png'].map(use));
    await Promise.all(others.map(({ id }) => system.ended(id)));

    const uploads = simulator.uploads().filter((upload) => upload.sha256 === sha256(picture(50)));
    expect(uploads).toHaveLength(1);
    expect(others.flatMap(({ id }) => system.tasksOf(id)).flatMap(({ inputUrls }) => inputUrls)).toEqual([
      uploads[0]?.url,
      uploads[0]?.url,
    ]);
  });

  it('that was replaced after it was accepted is not used', async () => {
    await system.put('replaced.png', picture(60), 'image/png');
    const faults = simulator.faults.add({
      operation: 'File/Upload',
      fault: { kind: 'status', status: 503, work: 'never' },
    });
    const { id } = await system.submit({
      model: 'wiro/image-to-image',
      inputs: { inputImage: 'replaced.png' },
    });
    await eventually('a first try', () => simulator.faults.list().some(({ applied }) => applied > 0));

    await system.put('replaced.png', picture(61), 'image/png');
    simulator.faults.clear(...faults);

    expect(await system.ended(id)).toMatchObject({
      status: 'failed',
      error: { code: 'input_changed', field: 'inputs.inputImage', retryable: false },
    });
    expect(system.tasksOf(id)).toEqual([]);
  });
});
