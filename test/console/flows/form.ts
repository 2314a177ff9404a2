import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { type BrowserWorld, LIMIT, PHOTOS, panel, run, STORY, submitted } from '../browser-world.ts';
import type { Page } from '../open-browser.ts';

/** Drops files on the fields of files, one each, as a file manager does. */
async function drop(page: Page, names: readonly string[]): Promise<void> {
  const files = await Promise.all(
    names.map(async (name) => [name, (await readFile(path.join(PHOTOS, name))).toString('base64')]),
  );
  await page.evaluate(`for (const [at, [name, data]] of ${JSON.stringify(files)}.entries()) {
    const dataTransfer = new DataTransfer();
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    dataTransfer.items.add(new File([bytes], name, { type: 'image/png' }));
    const field = document.querySelectorAll('fieldset.files')[at];
    for (const type of ['dragover', 'drop'])
      field.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
  }`);
}

/** What is in the form. */
const filledIn = async (page: Page) => ({
  values: await Promise.all(
    ['selectedModel', 'selectedModelPrivate', 'prompt', 'negativePrompt', 'steps', 'labels'].map((id) =>
      page.locator(`#field-${id}`).inputValue(),
    ),
  ),
  files: await page.locator('.chosen .filename').allInnerTexts(),
});

/** How a form is filled in. */
export function describeForm(world: BrowserWorld): void {
  it('takes two dropped pictures and every field, and runs it again with changes', LIMIT, async () => {
    const page = await world.openPage(STORY);
    await page.locator('fieldset.files').nth(1).waitFor();
    await drop(page, ['astronaut.png', 'photographer.png']);
    await page.getByText('uploading…').first().waitFor({ state: 'detached' });
    const sizes = `[...document.querySelectorAll('.chosen img')].map(({ src, naturalWidth }) => [src.slice(0, 5), naturalWidth > 0])`;
    expect(await page.evaluate(sizes)).toEqual([
      ['blob:', true],
      ['blob:', true],
    ]);
    // One that misses does not replace the page.
    expect(
      await page.evaluate(
        `document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true }))`,
      ),
    ).toBe(false);
    await page.locator('#field-selectedModel').selectOption('618');
    await page.locator('#field-selectedModelPrivate').fill('my-own');
    await page.locator('#field-prompt').fill('Two friends watch a rocket start');
    await page.locator('#field-negativePrompt').fill('rain');
    await page.getByText('Advanced', { exact: true }).click();
    await page.locator('#field-steps').fill('30');
    await page.locator('#field-labels').fill('order=nineteen');
    const filled = await filledIn(page);
    await run(page);
    const id = await submitted(page);
    await panel(page, 'succeeded').waitFor();

    const [task] = world.system.tasksOf(id);
    expect(task?.parameters).toMatchObject({
      selectedModel: '618',
      selectedModelPrivate: 'my-own',
      negativePrompt: 'rain',
      steps: 30,
    });
    await page.goto(`${world.origin}/#/generation/${id}`);
    await page.getByRole('link', { name: 'Again with changes' }).click();
    await page.locator('#field-prompt').waitFor();
    const again = await filledIn(page);
    expect(again.values).toEqual(filled.values);
    expect(again.files).toHaveLength(2);
    await page.locator('#field-prompt').fill('Two friends watch a train leave');
    await run(page);
    await page.waitForURL(new RegExp(`consistency/(?!${id})[a-z0-9]{20,}$`));
    await panel(page, 'succeeded').waitFor();
    const [before, after] = await Promise.all([
      world.system.read(id),
      world.system.read(page.url().split('/').at(-1) ?? ''),
    ]);
    expect(after).toMatchObject({
      labels: { order: 'nineteen' },
      inputs: before.inputs,
      parameters: { ...before.parameters, prompt: 'Two friends watch a train leave' },
    });
  });

  it(
    'takes an object of the bucket by its key, and an idempotency key stands for one generation',
    LIMIT,
    async () => {
      await world.system.put(
        'photos/one.png',
        await readFile(path.join(PHOTOS, 'astronaut.png')),
        'image/png',
      );
      const page = await world.openPage('/#/run/wiro/image-to-image');
      await page.getByText('of wiro-').waitFor();
      const source = page.getByLabel('URL or object for Image');
      await source.fill('photos/one.png');
      await page.keyboard.press('Tab');
      await page.locator('.chosen .filename').waitFor();
      await page.locator('#field-prompt').fill('A quiet harbor');
      await page.getByText('Advanced', { exact: true }).click();
      await page.locator('#field-idempotencyKey').fill('harbor-1');
      await run(page);
      const id = await submitted(page);
      await panel(page, 'succeeded').waitFor();
      expect(
        await page.evaluate(`(async () => {
        const image = document.querySelector('.inputs img');
        await image.decode();
        return image.naturalWidth > 0;
      })()`),
      ).toBe(true);

      await run(page);
      await page.getByText(/^Its idempotency key stands for a generation already, which is shown/).waitFor();
      expect(page.url()).toContain(id);
      expect(world.system.tasksOf(id)).toHaveLength(1);
      await page.getByRole('button', { name: 'Samples' }).click();
      expect(await page.locator('.samples textarea').inputValue()).toContain('photos/one.png');
    },
  );
}
