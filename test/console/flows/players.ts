import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { type BrowserWorld, LIMIT } from '../browser-world.ts';
import { startUpstream } from '../console-world.ts';
import type { Page } from '../open-browser.ts';

const HOSTILE = '<img src=x onerror=alert(1)>';

/** One second of a tone, as WAV. */
function tone(): Buffer {
  const rate = 8_000;
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + rate, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36);
  header.writeUInt32LE(rate, 40);
  const samples = Array.from({ length: rate }, (_, at) => 128 + Math.round(60 * Math.sin(at / 4)));
  return Buffer.concat([header, Buffer.from(samples)]);
}

/** Half a second of film, which the browser itself records. */
const film = async (page: Page): Promise<Buffer> =>
  Buffer.from(
    (await page.evaluate(`(async () => {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 64;
      const context = canvas.getContext('2d');
      const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: 'video/webm;codecs=vp8' });
      const parts = [];
      recorder.ondataavailable = ({ data }) => parts.push(data);
      recorder.start();
      for (let frame = 0; frame < 10; frame += 1) {
        context.fillStyle = 'hsl(' + frame * 30 + ' 80% 50%)';
        context.fillRect(0, 0, 64, 64);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await new Promise((resolve) => { recorder.onstop = resolve; recorder.stop(); });
      const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
      return btoa(String.fromCharCode(...bytes));
    })()`)) as string,
    'base64',
  );

const record = (change: object) => ({
  id: 'g1',
  model: 'wiro/any',
  status: 'succeeded',
  origin: 'api',
  parameters: {},
  inputs: {},
  outputs: [],
  createdAt: '2026-11-01T00:00:00.000Z',
  updatedAt: '2026-11-01T00:00:00.000Z',
  ...change,
});

/** What is no picture. */
export function describePlayers(world: BrowserWorld): void {
  it('plays sound and film, and jumps in them', LIMIT, async () => {
    const api = await startUpstream();
    try {
      const page = await world.openPageOver(api.url);
      const files = [
        { name: 'a.wav', contentType: 'audio/wav', bytes: tone() },
        { name: 'b.webm', contentType: 'video/webm', bytes: await film(page) },
      ];
      const outputs = files.map(({ bytes, ...file }) => ({
        ...file,
        key: file.name,
        sizeBytes: bytes.length,
        url: `${api.url}/${file.name}?X-Amz-Signature=abc`,
        urlExpiresAt: '2099-01-01T00:00:00.000Z',
      }));
      api.answer = ({ url, headers }) => {
        const file = files.find(({ name }) => url.startsWith(`/${name}`));
        if (file === undefined)
          return { body: JSON.stringify(url.endsWith('/timeline') ? { entries: [] } : record({ outputs })) };
        const { length } = file.bytes;
        const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
        const end = to === '' ? length - 1 : Number(to);
        return {
          status: headers.range === undefined ? 200 : 206,
          headers: { 'accept-ranges': 'bytes', 'content-range': `bytes ${from}-${end}/${length}` },
          body: file.bytes.subarray(Number(from), end + 1),
        };
      };
      await page.goto(`${page.url().split('#')[0]}#/generation/g1`);
      await page.locator('audio').waitFor();
      await page.locator('video').waitFor();
      const played = (await page.evaluate(`Promise.all(
        [...document.querySelectorAll('audio, video')].map(async (player) => {
          player.muted = true;
          await player.play();
          await new Promise((resolve) => player.addEventListener('ended', resolve, { once: true }));
          player.currentTime = 0.2;
          await new Promise((resolve) => player.addEventListener('seeked', resolve, { once: true }));
          return [player.localName, player.controls, player.currentTime, player.videoWidth ?? 0];
        }),
      )`)) as readonly unknown[];

      expect(played).toEqual([
        ['audio', true, 0.2, 0],
        ['video', true, 0.2, 64],
      ]);
    } finally {
      api.server.closeAllConnections();
      api.server.close();
    }
  });

  it('shows what a language model writes while it comes, as text', LIMIT, async () => {
    const [api, wiro] = [await startUpstream(), new WebSocketServer({ port: 0, host: '127.0.0.1' })];
    try {
      await once(wiro, 'listening');
      const progress = {
        socketUrl: `ws://127.0.0.1:${(wiro.address() as AddressInfo).port}`,
        token: 'capability',
      };
      api.answer = ({ url }) => ({
        body: JSON.stringify(
          url.endsWith('/timeline') ? { entries: [] } : record({ status: 'running', progress }),
        ),
      });
      const joined = once(wiro, 'connection');
      const page = await world.openPageOver(api.url, '/#/generation/g1');
      const [socket] = await joined;
      await once(socket, 'message');
      const say = (message: unknown) =>
        socket.send(JSON.stringify({ type: 'task_output', id: '1', tasktoken: 'capability', message }));
      const segments = (answer: string) => [
        { type: 'thinking', text: HOSTILE },
        { type: 'tool_call', name: HOSTILE, input: { word: HOSTILE } },
        { type: 'answer', text: answer },
      ];
      say({ segments: segments('A light') });
      await page.getByText(/^A light$/).waitFor();
      say({ segments: segments(`A lighthouse ${HOSTILE}`) });
      say(`token capability ${HOSTILE}`);
      await page.getByText(`A lighthouse ${HOSTILE}`).waitFor();
      expect(await page.locator('.segments .call').innerText()).toBe(
        `${HOSTILE} ${JSON.stringify({ word: HOSTILE })}`,
      );
      await page.getByText(/^Debug log/).click();
      await page.getByText(`token … ${HOSTILE}`).waitFor();
      expect(await page.locator('main img').count()).toBe(0);
    } finally {
      for (const client of wiro.clients) client.terminate();
      wiro.close();
      api.server.closeAllConnections();
      api.server.close();
    }
  });
}
