import { expect, it } from 'vitest';
import { type BrowserWorld, LIMIT } from '../browser-world.ts';
import { startUpstream } from '../console-world.ts';

/** How quick the page is. */
export function describeMeasures(world: BrowserWorld): void {
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
    const page = await world.openPageOver(api.url, '/#/history/models');
    try {
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
      api.server.closeAllConnections();
      api.server.close();
    }
  });

  it('paints first within three times what an empty page of the same server takes', LIMIT, async () => {
    const page = await world.openPage();
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
      empty.push(await paintOf(`${world.origin}/nothing?${n}`));
      whole.push(await paintOf(`${world.origin}/?${n}`));
    }
    expect(medianOf(whole) / medianOf(empty)).toBeLessThan(3);
  });
}
