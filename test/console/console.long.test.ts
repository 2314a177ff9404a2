import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { browserWorld, LIMIT, PHOTOS, panel, run, STORY, submitted } from './browser-world.ts';
import { describeForm } from './flows/form.ts';
import { describeMeasures } from './flows/measures.ts';
import { describePlayers } from './flows/players.ts';
import { describeReasons } from './flows/reasons.ts';
import { describeViews } from './flows/views.ts';
import type { Page } from './open-browser.ts';

/** Divided by 100, so that a task lasts long enough to be seen. */
const SLOW_MS = 400_000;
/** Until it is cancelled. */
const LONG_MS = 6_000_000;

const world = browserWorld();

/** Fills in the form of the two pictures. */
async function fillStory(page: Page, prompt = 'Two friends watch a rocket start'): Promise<void> {
  await page.locator('input[type=file]').nth(0).setInputFiles(path.join(PHOTOS, 'astronaut.png'));
  await page.locator('input[type=file]').nth(1).setInputFiles(path.join(PHOTOS, 'photographer.png'));
  await page.locator('#field-prompt').fill(prompt);
  await page.getByText('uploading…').first().waitFor({ state: 'detached' });
}

it('runs two pictures and shows the output with the same pixels beside them', LIMIT, async () => {
  world.system.simulator.set({ outputs: 'composed' });
  const page = await world.openPage(STORY);
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
  world.system.simulator.set({ outputs: 'tiny' });
  const record = await world.system.ended(id);
  const [output] = record.outputs;
  const stored = await world.system.object(output?.key ?? '', output?.bucket);
  const pixels = await sharp(stored?.bytes).removeAlpha().raw().toBuffer();
  expect(seen).toBe(createHash('sha256').update(pixels).digest('hex'));

  await page.locator('.outputs button[aria-label^="Enlarge "]').first().click();
  await page.locator('dialog[open]').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog[open]').waitFor({ state: 'detached' });
});

it('tells live what happens, keeps it over a reload, and shows it in a second tab', LIMIT, async () => {
  world.system.simulator.set({ taskDurationMs: LONG_MS });
  try {
    const page = await world.openPage('/#/run/wiro/text-to-image');
    await page.locator('#field-prompt').fill('A lighthouse');
    await run(page);
    const id = await submitted(page);
    await page.getByText("Live from Wiro's socket.").waitFor();
    await page.locator('progress').waitFor();
    expect(await page.locator('.percentage').innerText()).toMatch(
      /^\d+ %: step \d+ of \d+, [\d.]+ it\/s, [\d.]+ left$/,
    );

    const other = await world.openTab(`/#/generation/${id}`);
    await other.locator('.progress').waitFor();
    await page.reload();
    expect(await page.locator('#field-prompt').inputValue()).toBe('A lighthouse');
    await page.locator('.progress').waitFor();

    await other.getByRole('button', { name: 'Cancel' }).click();
    await panel(other, 'cancelled').waitFor();
    await panel(page, 'cancelled').waitFor();
    await page.getByRole('button', { name: 'Retry' }).waitFor();

    // What the other tab starts is seen when this one comes to the front.
    world.system.simulator.set({ taskDurationMs: 4_000 });
    await other.getByRole('button', { name: 'Retry' }).click();
    await panel(other, 'succeeded').waitFor();
    expect(await panel(page, 'cancelled').count()).toBe(1);
    await page.evaluate(`dispatchEvent(new Event('focus'))`);
    await panel(page, 'succeeded').waitFor();
    // The key of the link stays in no address, and no page learns where it came from.
    expect([page.url(), await page.evaluate('document.referrer')]).toEqual([
      `${world.origin}/#/run/wiro/text-to-image/${id}`,
      '',
    ]);
  } finally {
    world.system.simulator.set({ taskDurationMs: 4_000 });
  }
});

it("goes on by reading the record when Wiro's socket is lost", LIMIT, async () => {
  world.system.simulator.set({ taskDurationMs: SLOW_MS });
  const [fault] = world.system.simulator.faults.add({
    operation: 'socket',
    fault: { kind: 'drops', afterMessages: 1 },
  });
  try {
    const page = await world.openPage('/#/run/wiro/text-to-image');
    await page.locator('#field-prompt').fill('A lighthouse');
    await run(page);
    await submitted(page);
    await page.getByText('The record is read every few seconds.').waitFor();
    await panel(page, 'succeeded').waitFor();
    await page.locator('.outputs img').waitFor();
  } finally {
    world.system.simulator.set({ taskDurationMs: 4_000 });
    if (fault !== undefined) world.system.simulator.faults.clear(fault);
  }
});

it('says why a run failed, and runs it again on request', LIMIT, async () => {
  const { idempotencyKey, id } = world.system.plan({
    operation: 'task',
    times: 1,
    fault: {
      kind: 'fails',
      message: 'No people found in https://cdn1.wiro.ai/secret/0.png?X-Amz-Signature=abc',
    },
  });
  await world.system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'x' }, idempotencyKey });
  const page = await world.openPage(`/#/generation/${id}`);
  await panel(page, 'failed').waitFor();
  expect(await page.locator('.notice.bad').innerText()).toMatch(/model_failed.*No people found/s);

  await page.getByRole('button', { name: 'Retry' }).click();
  await panel(page, 'succeeded').waitFor();
  await page
    .getByText(/^attempt 2/)
    .first()
    .waitFor();
  // The reason is Wiro's own text. It also stands in the timeline, and in the record.
  await page.getByText('Record', { exact: true }).click();
  await page.locator('textarea.text').waitFor();
  const shown = `${await page.locator('main').innerText()} ${await page.locator('textarea.text').inputValue()}`;
  expect(shown).toContain('No people found in https://cdn1.wiro.ai/…');
  expect(shown).not.toMatch(/secret|X-Amz|token/i);
});

it('shows what is wrong at its field, before and after it is sent', LIMIT, async () => {
  const page = await world.openPage(STORY);
  await page.getByText('Advanced').first().click();
  await page.locator('#field-width').fill('12');
  const problem = page.locator('#notes-width .problem');
  await problem.waitFor();
  expect(await problem.innerText()).toContain('between 256 and 1536');
  expect(await page.locator('#field-width').getAttribute('aria-invalid')).toBe('true');

  await run(page);
  await page.locator('#notes-prompt .problem').waitFor();
  expect(page.url()).toMatch(/consistency$/);
  expect(world.system.simulator.tasks().some(({ parameters }) => parameters.width === '12')).toBe(false);
});

it('runs nothing of hostile names, prompts and answers', LIMIT, async () => {
  const hostile = '<img src=x onerror=alert(1)><script>alert(2)</script>';
  const page = await world.openPage(STORY);
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
  await page.goto(`${world.origin}/#/generation/${id}`);
  await page.getByText(hostile).first().waitFor();
  await page.goto(`${world.origin}/#/run/${encodeURIComponent(hostile)}/${encodeURIComponent(hostile)}`);
  await page.locator('.notice.bad').waitFor();
  expect(await page.locator('img[onerror], main script').count()).toBe(0);
});

it('finds a model and shows a language model’s answer as text', LIMIT, async () => {
  const page = await world.openPage();
  await page.getByLabel('Search models').fill('language');
  await page.getByText('1 found').waitFor();
  await page.locator('a.card').first().click();
  await page.locator('#field-prompt').fill('What is <b>a</b> lighthouse?');
  await run(page);
  await panel(page, 'succeeded').waitFor();
  const answer = page.locator('.segments .answer');
  await answer.first().waitFor();
  expect((await answer.allInnerTexts()).join()).toContain('What is <b>a</b> lighthouse?');
  await page.getByRole('button', { name: 'Samples' }).click();
  expect(await page.locator('.samples textarea').inputValue()).toContain('wiro/language-model');
});

it('lists what ran with filters, and says plainly that trainings are not run here', LIMIT, async () => {
  await world.made();
  const page = await world.openPage('/#/history/models?label.order=seventeen');
  await page.locator('.row').first().waitFor();
  await page.getByText('1 generation').waitFor();
  expect(await page.locator('.row').count()).toBe(1);
  await page.locator('.row img').waitFor();
  await page.getByLabel('Labels').fill('order');
  await page.getByText('Write name=value').waitFor();
  await page.getByLabel('Labels').fill('order=seventeen, shop=eu');
  await page.keyboard.press('Enter');
  await page.getByText("You don't have a task yet").waitFor();
  expect(page.url()).toMatch(/\?label\.order=seventeen&label\.shop=eu$/);
  await page.getByRole('link', { name: 'Clear' }).click();
  await page.locator('.row').first().waitFor();
  expect(await page.getByLabel('Labels').inputValue()).toBe('');
  await page.getByRole('link', { name: 'Trains' }).click();
  await page.getByText(/Trainings are not run here/).waitFor();
});

describeForm(world);
describePlayers(world);
describeReasons(world);
describeViews(world);
describeMeasures(world);
