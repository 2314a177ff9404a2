import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { buildPage } from '../../console/build-page.ts';
import { localDeployment } from '../../console/server/local-deployment.ts';
import { type Console, startConsole } from '../../console/server/server.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { type System, startSystem } from '../support/system.ts';
import { startUpstream } from './console-world.ts';
import { type Context, type ContextOptions, type Opened, openBrowser, type Page } from './open-browser.ts';

const PHOTOS = path.resolve(import.meta.dirname, '../../examples/photos');
const STORY = '/#/run/wiro/story-maker-multi-character-consistency';
/** Divided by 100, so that a task lasts long enough to be seen. */
const SLOW_MS = 400_000;
/** A browser beside the system, on two cores that others use. */
const LIMIT = { timeout: 180_000 };
/** Until it is cancelled. */
const LONG_MS = 6_000_000;

let system: System;
let served: Console;
let opened: Opened;
let origin: string;
let html: string;
const contexts: Context[] = [];
/** What the browser reported of all pages. */
let faults: string[] = [];
let requests: string[] = [];

beforeAll(async () => {
  const [started, built, browser] = await Promise.all([
    startSystem({ simulator: { outputs: 'composed' } }),
    buildPage(),
    openBrowser(),
  ]);
  system = started;
  html = built.html;
  opened = browser;
  const deployment = localDeployment({ ...system.environment.endpoints, credentials: LOCAL_CREDENTIALS });
  served = await startConsole({ deployment, html });
  origin = new URL(served.link).origin;
}, 600_000);
afterAll(async () => {
  await opened?.close();
  await served?.stop();
});
afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
  // Nothing but its own server, and nothing that its policy had to stop.
  expect(requests.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('blob:'))).toEqual([]);
  expect(faults).toEqual([]);
  faults = [];
  requests = [];
});

async function openPage(hash = '', options: ContextOptions = {}): Promise<Page> {
  const context = await opened.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  contexts.push(context);
  return newPage(context, hash);
}

async function newPage(context: Context, hash = ''): Promise<Page> {
  const page = await context.newPage();
  page.on('console', (message) => {
    const text = message.text();
    // The browser itself reports each answer that is an error.
    if (message.type() === 'error' && !text.startsWith('Failed to load resource')) faults.push(text);
  });
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(served.link);
  if (hash !== '') await page.goto(`${origin}${hash}`);
  return page;
}

const idIn = (page: Page) => page.url().split('/').at(-1) ?? '';
const panel = (page: Page, status: string) => page.locator(`.panel[data-status=${status}]`);
const run = (page: Page) => page.getByRole('button', { name: 'Run', exact: true }).click();

/** Fills in the form of the two pictures. */
async function fillStory(page: Page, prompt = 'Two friends watch a rocket start'): Promise<void> {
  await page.locator('input[type=file]').nth(0).setInputFiles(path.join(PHOTOS, 'astronaut.png'));
  await page.locator('input[type=file]').nth(1).setInputFiles(path.join(PHOTOS, 'photographer.png'));
  await page.locator('#field-prompt').fill(prompt);
  await page.getByText('uploading…').first().waitFor({ state: 'detached' });
}

async function submitted(page: Page): Promise<string> {
  await page.waitForURL(/consistency\/[a-z0-9]{20,}$|text-to-image\/[a-z0-9]{20,}$/);
  return idIn(page);
}

it('runs two pictures and shows the output with the same pixels beside them', LIMIT, async () => {
  const page = await openPage(STORY);
  await fillStory(page);
  await page.getByText(/^Costs about \$/).waitFor();
  await run(page);
  const id = await submitted(page);
  await panel(page, 'succeeded').waitFor();
  const shown = page.locator('.outputs img').first();
  await shown.waitFor();
  expect(await page.locator('.inputs img').count()).toBe(2);

  const seen = await page.evaluate(`(async () => {
    const image = document.querySelector('.outputs img');
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(data).filter((_, at) => at % 4 !== 3));
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  })()`);
  const record = await system.ended(id);
  const [output] = record.outputs;
  const stored = await system.object(output?.key ?? '', output?.bucket);
  const pixels = await sharp(stored?.bytes).removeAlpha().raw().toBuffer();
  expect(seen).toBe(createHash('sha256').update(pixels).digest('hex'));

  await page.getByRole('button', { name: 'Enlarge 0.png' }).click();
  await page.locator('dialog[open]').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog[open]').waitFor({ state: 'detached' });
});

it('tells live what happens, keeps it over a reload, and shows it in a second tab', LIMIT, async () => {
  system.simulator.set({ taskDurationMs: LONG_MS });
  try {
    const page = await openPage('/#/run/wiro/text-to-image');
    await page.locator('#field-prompt').fill('A lighthouse');
    await run(page);
    const id = await submitted(page);
    await page.getByText("Live from Wiro's socket.").waitFor();
    await page.locator('progress').waitFor();
    expect(await page.locator('.percentage').innerText()).toMatch(
      /^\d+ %: step \d+ of \d+, [\d.]+ it\/s, [\d.]+ left$/,
    );

    const other = await newPage(contexts[0] as Context, `/#/generation/${id}`);
    await other.locator('.progress').waitFor();
    await page.reload();
    expect(await page.locator('#field-prompt').inputValue()).toBe('A lighthouse');
    await page.locator('.progress').waitFor();

    await other.getByRole('button', { name: 'Cancel' }).click();
    await panel(other, 'cancelled').waitFor();
    await panel(page, 'cancelled').waitFor();
    await page.getByRole('button', { name: 'Retry' }).waitFor();
  } finally {
    system.simulator.set({ taskDurationMs: 4_000 });
  }
});

it("goes on by reading the record when Wiro's socket is lost", LIMIT, async () => {
  system.simulator.set({ taskDurationMs: SLOW_MS });
  const [fault] = system.simulator.faults.add({
    operation: 'socket',
    fault: { kind: 'drops', afterMessages: 1 },
  });
  try {
    const page = await openPage('/#/run/wiro/text-to-image');
    await page.locator('#field-prompt').fill('A lighthouse');
    await run(page);
    await submitted(page);
    await page.getByText('The record is read every few seconds.').waitFor();
    await panel(page, 'succeeded').waitFor();
    await page.locator('.outputs img').waitFor();
  } finally {
    system.simulator.set({ taskDurationMs: 4_000 });
    if (fault !== undefined) system.simulator.faults.clear(fault);
  }
});

it('says why a run failed, and runs it again on request', LIMIT, async () => {
  const { idempotencyKey, id } = system.plan({
    operation: 'task',
    times: 1,
    fault: { kind: 'fails', message: 'No people found' },
  });
  await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'x' }, idempotencyKey });
  const page = await openPage(`/#/generation/${id}`);
  await panel(page, 'failed').waitFor();
  expect(await page.locator('.notice.bad').innerText()).toMatch(/model_failed.*No people found/s);

  await page.getByRole('button', { name: 'Retry' }).click();
  await panel(page, 'succeeded').waitFor();
  await page
    .getByText(/^attempt 2/)
    .first()
    .waitFor();
});

it('shows what is wrong at its field, before and after it is sent', LIMIT, async () => {
  const page = await openPage(STORY);
  await page.getByText('Advanced').first().click();
  await page.locator('#field-width').fill('12');
  const problem = page.locator('#notes-width .problem');
  await problem.waitFor();
  expect(await problem.innerText()).toContain('between 256 and 1536');
  expect(await page.locator('#field-width').getAttribute('aria-invalid')).toBe('true');

  await run(page);
  await page.locator('#notes-prompt .problem').waitFor();
  expect(page.url()).toMatch(/consistency$/);
  expect(system.simulator.tasks().some(({ parameters }) => parameters.width === '12')).toBe(false);
});

it('runs nothing of hostile names, prompts and answers', LIMIT, async () => {
  const hostile = '<img src=x onerror=alert(1)><script>alert(2)</script>';
  const page = await openPage(STORY);
  await page
    .locator('input[type=file]')
    .nth(0)
    .setInputFiles({
      name: `"><img src=x onerror=alert(3)>.png`,
      mimeType: 'image/png',
      buffer: await readFile(path.join(PHOTOS, 'astronaut.png')),
    });
  await page.locator('#field-prompt').fill(hostile);
  await page.locator('#field-negativePrompt').fill('javascript:alert(4)');
  await page.getByText('uploading…').first().waitFor({ state: 'detached' });
  await run(page);
  const id = await submitted(page);
  await panel(page, 'succeeded').waitFor();
  await page.getByRole('button', { name: 'Samples' }).click();
  await page.locator('.samples textarea').waitFor();
  await page.goto(`${origin}/#/generation/${id}`);
  await page.getByText(hostile).first().waitFor();
  await page.goto(`${origin}/#/run/${encodeURIComponent(hostile)}/${encodeURIComponent(hostile)}`);
  await page.locator('.notice.bad').waitFor();
  expect(await page.locator('img[onerror], main script').count()).toBe(0);
});

it('finds a model and shows a language model’s answer as text', LIMIT, async () => {
  const page = await openPage();
  await page.getByLabel('Search models').fill('language');
  await page.getByText('1 found').waitFor();
  await page.locator('a.card').first().click();
  await page.locator('#field-prompt').fill('What is <b>a</b> lighthouse?');
  await run(page);
  await panel(page, 'succeeded').waitFor();
  await page.locator('.segments .answer, textarea.text').first().waitFor();
  await page.getByRole('button', { name: 'Samples' }).click();
  expect(await page.locator('.samples textarea').inputValue()).toContain('wiro/language-model');
});

it('lists what ran with filters, and says plainly that trainings are not run here', LIMIT, async () => {
  const { id } = await system.submit({
    model: 'wiro/text-to-image',
    parameters: { prompt: 'x' },
    labels: { order: 'seventeen' },
  });
  await system.ended(id);
  const page = await openPage('/#/history/models?label.order=seventeen');
  await page.locator('.row').first().waitFor();
  await page.getByText('1 generation').waitFor();
  expect(await page.locator('.row').count()).toBe(1);
  await page.locator('.row img').waitFor();
  await page.getByRole('link', { name: 'Trains' }).click();
  await page.getByText(/Trainings are not run here/).waitFor();
});

it.each(['light', 'dark'] as const)(
  'keeps to WCAG 2.2 AA in %s, on a phone too',
  LIMIT,
  async (colorScheme) => {
    const { id } = await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'x' } });
    await system.ended(id);
    const page = await openPage('', { colorScheme, viewport: { width: 390, height: 844 } });
    const found: string[] = [];
    for (const [hash, ready] of [
      ['#/run', '.card'],
      [`${STORY.slice(1)}`, '.price'],
      [`#/run/wiro/text-to-image/${id}`, '.outputs img'],
      ['#/history/models', '.row'],
      ['#/history/trains', '.notice'],
      [`#/generation/${id}`, '.timeline li'],
      ['#/usage', 'h1'],
    ] as const) {
      await page.goto(`${origin}/${hash}`);
      await page.locator(ready).first().waitFor();
      await page.evaluate(opened.axe);
      const violations = (await page.evaluate(`axe
      .run({ runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] } })
      .then(({ violations }) =>
        violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 200)).join(' | ')))`)) as string[];
      found.push(...violations.map((violation) => `${hash} ${violation}`));
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth > document.documentElement.clientWidth',
      );
      if (overflow) found.push(`${hash} scrolls sideways`);
    }
    expect(found).toEqual([]);
  },
);

it('draws few of 10,000 generations, and the next ones at once', LIMIT, async () => {
  const api = await startUpstream();
  const ALL = 10_000;
  api.answer = ({ url }) => {
    const first = Number(new URL(url, api.url).searchParams.get('cursor') ?? 0);
    const generations = Array.from({ length: 100 }, (_, at) => ({
      id: `g${first + at}`,
      model: 'wiro/text-to-image',
      status: 'succeeded',
      origin: 'api',
      outputs: 0,
      createdAt: '2026-11-01T00:00:00.000Z',
      updatedAt: '2026-11-01T00:00:00.000Z',
    }));
    const next = first + 100;
    return { body: JSON.stringify({ generations, ...(next < ALL && { cursor: String(next) }) }) };
  };
  const { endpoints } = system.environment;
  const many = await startConsole({
    html,
    deployment: localDeployment({ ...endpoints, api: api.url, credentials: LOCAL_CREDENTIALS }),
  });
  try {
    const context = await opened.browser.newContext({ viewport: { width: 1280, height: 900 } });
    contexts.push(context);
    const page = await context.newPage();
    await page.goto(many.link);
    await page.goto(`${new URL(many.link).origin}/#/history/models`);
    await page.locator('.row').first().waitFor();
    const { drawn, median } = (await page.evaluate(`(async () => {
      const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      while (!document.body.innerText.includes('10,000 generations')) {
        scrollTo(0, document.body.scrollHeight);
        await frame();
      }
      const took = [];
      for (let n = 0; n < 41; n += 1) {
        const before = performance.now();
        scrollTo(0, (document.body.scrollHeight * ((n * 17) % 41)) / 41);
        await frame();
        took.push(performance.now() - before);
      }
      return {
        drawn: document.querySelectorAll('.row').length,
        median: took.sort((one, other) => one - other)[20],
      };
    })()`)) as { readonly drawn: number; readonly median: number };
    expect(drawn).toBeLessThan(60);
    expect(median).toBeLessThan(250);
  } finally {
    await many.stop();
    api.server.closeAllConnections();
    api.server.close();
  }
});

it('paints first within three times what an empty page of the same server takes', LIMIT, async () => {
  const page = await openPage();
  const paintOf = async (url: string): Promise<number> => {
    await page.goto(url);
    return (await page.evaluate(`(async () => {
      for (;;) {
        const paint = performance.getEntriesByName('first-contentful-paint')[0];
        if (paint) return paint.startTime;
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
    })()`)) as number;
  };
  const medianOf = (numbers: readonly number[]) =>
    numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
  const empty: number[] = [];
  const whole: number[] = [];
  for (let n = 0; n < 9; n += 1) {
    empty.push(await paintOf(`${origin}/nothing?${n}`));
    whole.push(await paintOf(`${origin}/?${n}`));
  }
  expect(medianOf(whole) / medianOf(empty)).toBeLessThan(3);
});
