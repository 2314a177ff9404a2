import { expect, it } from 'vitest';
import { type BrowserWorld, LIMIT } from '../browser-world.ts';
import { startUpstream } from '../console-world.ts';

const NOW = '2026-11-01T00:00:00.000Z';
const ODD = {
  name: 'wiro/odd',
  kind: 'plain',
  parameters: [
    { id: 'constructor', type: 'text', required: true },
    { id: 'labels', type: 'text', required: false, label: '<b>Labels</b>', note: 'x'.repeat(500) },
    { id: 'a b"c', type: 'unheard-of', required: false, default: { deep: [1] } },
    { id: 'none', type: 'select', required: false, options: [] },
    { id: 'empty', type: 'select', required: false, default: 'x', options: [{ value: '' }, { value: '' }] },
    { id: 'range', type: 'range', required: false, min: 5, max: 1, step: 0 },
    { id: 'valueOf', type: 'fileinput', required: false },
  ],
  prices: [],
};

/** What a person reads when something is not as it should be. */
export function describeReasons(world: BrowserWorld): void {
  it('says what is wrong, and goes on once it is mended', LIMIT, async () => {
    const api = await startUpstream();
    try {
      const output = (name: string, contentType: string) => ({
        name,
        contentType,
        key: name,
        sizeBytes: 5,
        url: `${api.url}/store/${name}`,
        urlExpiresAt: '2099-01-01T00:00:00.000Z',
      });
      const lost = {
        ...{ id: 'g1', model: 'wiro/odd', status: 'succeeded', origin: 'api', parameters: {} },
        ...{ createdAt: NOW, updatedAt: NOW },
        inputs: { valueOf: `s3://other-bucket/${'long-'.repeat(40)}.png` },
        outputs: [output('a.png', 'image/png'), output('b.txt', 'text/plain')],
      };
      const forbidden = { status: 403, body: '{"Message":"Forbidden"}' };
      api.answer = () => forbidden;
      const page = await world.openPageOver(api.url);
      const { origin } = new URL(page.url());
      await page.getByText(/^HTTP 403: check the credentials, .*lambda:InvokeFunctionUrl/).waitFor();
      api.answer = () => ({ body: '{"models":[]}' });
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByText('No model has these words').waitFor();

      // One parameter has the id of a field that every form has.
      api.answer = ({ method }) => ({ body: JSON.stringify(method === 'GET' ? ODD : { problems: [] }) });
      await page.goto(`${origin}/#/run/wiro/odd`);
      await page.locator('#field-range').waitFor();
      expect(await page.locator('.field').count()).toBe(ODD.parameters.length + 4);
      expect(
        await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
      ).toBe(0);

      api.answer = ({ url }) => {
        if (url.startsWith('/store/')) return { status: 404, body: '' };
        return { body: JSON.stringify(url.endsWith('/timeline') ? { entries: [] } : lost) };
      };
      await page.goto(`${origin}/#/generation/g1`);
      await page.getByText("Not shown: The file's store answered HTTP 404.").nth(1).waitFor();
      await page
        .getByText(/^Not shown: /)
        .nth(2)
        .waitFor();

      api.answer = () => ({ body: JSON.stringify({ ...ODD, parameters: undefined }) });
      await page.goto(`${origin}/#/run/wiro/broken`);
      await page.getByText(/^This view cannot be shown/).waitFor();
      await page.getByRole('link', { name: 'History' }).click();
      await page.getByRole('heading', { name: 'Task history' }).waitFor();
    } finally {
      api.server.closeAllConnections();
      api.server.close();
    }
  });
}
