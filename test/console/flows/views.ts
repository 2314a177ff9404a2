import { expect, it } from 'vitest';
import { type BrowserWorld, LIMIT, panel, STORY } from '../browser-world.ts';
import type { Page } from '../open-browser.ts';

/** Until it is cancelled. */
const LONG_MS = 6_000_000;
const VIEWS = [
  ['#/run', '.card'],
  [STORY.slice(1), '.price'],
  ['#/run/wiro/text-to-image/ID', '.outputs img'],
  ['#/history/models', '.row'],
  ['#/history/trains', '.notice'],
  ['#/generation/ID', '.timeline li'],
  ['#/usage', '.plot rect'],
] as const;

/** The views beside the form, and what all of them have in common. */
export function describeViews(world: BrowserWorld): void {
  it('lists what runs, says why it waits, and cancels and retries it', LIMIT, async () => {
    world.system.simulator.set({ taskDurationMs: LONG_MS });
    try {
      const { id } = await world.system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'x' } });
      await world.system.reached(id, ({ status }) => status === 'running');
      const page = await world.openPage('/#/history/runnings');
      await page.getByText(/^1 generation run or wait/).waitFor();
      await page.locator('.row').first().click();
      await page
        .getByText(/^Its task at Wiro has run for \d+ seconds?: it is looked at again within/)
        .waitFor();

      await page.getByRole('button', { name: 'Cancel' }).click();
      await panel(page, 'cancelled').waitFor();
      world.system.simulator.set({ taskDurationMs: 4_000 });
      await page.getByRole('button', { name: 'Retry' }).click();
      await panel(page, 'succeeded').waitFor();
      await page.locator('.outputs img').waitFor();
    } finally {
      world.system.simulator.set({ taskDurationMs: 4_000 });
    }
  });

  it('plots the cost by day and model', LIMIT, async () => {
    const { endedAt = '' } = await world.made();
    const page = await world.openPage('/#/usage');
    await page.locator('.plot rect').first().waitFor();
    const titles = (await page.evaluate(
      `[...document.querySelectorAll('.plot rect title')].map(({ textContent }) => textContent)`,
    )) as readonly string[];
    const [, cost] =
      titles
        .map((title) => /^(\S+: wiro\/text-to-image) (\$[\d.]+)$/.exec(title))
        .find((found) => found?.[1]?.startsWith(endedAt.slice(0, 10)))
        ?.slice(1) ?? [];

    expect(Number(cost?.slice(1))).toBeGreaterThan(0);
    const row = page.locator('tr:has(th:text-is("wiro/text-to-image"))');
    expect(await row.locator('td').last().innerText()).toBe(cost);
    await page.getByLabel('From').fill('2020-01-01');
    await page.getByLabel('To').fill('2020-01-31');
    await page.getByText('Nothing ended from 2020-01-01 to 2020-01-31.').waitFor();
  });

  it('keeps to WCAG 2.2 AA in every view', LIMIT, async () => {
    const { id } = await world.made();
    const page = await world.openPage();
    const found: string[] = [];
    const check = async (what: string) => {
      for (const { width, colorScheme, rules } of LOOKS) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        const violations = await violationsOf(page, rules);
        found.push(...violations.map((violation) => `${what} ${colorScheme} ${width}: ${violation}`));
      }
    };
    await page.evaluate(world.opened.axe);
    for (const [hash, ready] of VIEWS) {
      await page.goto(`${world.origin}/${hash.replace('ID', id)}`);
      await page.locator(ready).first().waitFor();
      for (const fold of await page.locator('summary').all()) await fold.click();
      await check(hash);
      if (hash !== STORY.slice(1)) continue;
      await page.getByRole('button', { name: 'Samples' }).click();
      await page.locator('.samples textarea').waitFor();
      await check('Samples');
    }
    expect(found).toEqual([]);
  });
}

const ALL = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] };
/** What can differ with the width or the colors. */
const SOME = { type: 'rule', values: ['color-contrast', 'target-size'] };
/** 640 pixels are a usual window at 200 %, 320 at 400 %. */
const LOOKS = [
  { width: 1280, colorScheme: 'light', rules: ALL },
  { width: 320, colorScheme: 'light', rules: SOME },
  { width: 640, colorScheme: 'dark', rules: SOME },
] as const;

/** What axe finds, and whether the page scrolls sideways. */
async function violationsOf(page: Page, rules: object): Promise<readonly string[]> {
  return (await page.evaluate(`axe
    .run({ runOnly: ${JSON.stringify(rules)} })
    .then(({ violations }) => [
      ...violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 200)).join(' | ')),
      ...(document.documentElement.scrollWidth > document.documentElement.clientWidth ? ['scrolls sideways'] : []),
    ])`)) as readonly string[];
}
