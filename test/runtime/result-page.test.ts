import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { toFolderPage } from '../../functions/events/folder-page.ts';
import { type ResultPage, writeResultPage } from '../../functions/runtime/result-page.ts';
import { EXAMPLES } from '../generation/examples.ts';

const HOSTILE = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;\u0000\u202e\ud800`;
const page: ResultPage = {
  status: 'succeeded',
  title: HOSTILE,
  message: HOSTILE,
  prompt: HOSTILE,
  facts: [[HOSTILE, HOSTILE]],
  files: ['image/png', 'video/mp4', 'audio/mpeg', 'text/html'].map((contentType) => ({
    name: HOSTILE,
    path: `attempt-2/javascript:${HOSTILE}`,
    contentType,
    sizeBytes: 1_400_000,
  })),
  problems: [HOSTILE],
};

it('escapes every text, and links only to files beside it', () => {
  const html = writeResultPage(page);

  expect(html).not.toMatch(/<script|onerror='|<img src=x|\0|\u202e/);
  expect(html).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;');
  const links = [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, link]) => link);
  expect(links).toHaveLength(8);
  for (const link of links) expect(link).toMatch(/^\.\/attempt-2\/javascript%3A%22[^:]*$/);
});

it('allows nothing to run, and its own style', () => {
  const html = writeResultPage(page);
  const style = /<style>(.*?)<\/style>/s.exec(html)?.[1] ?? '';
  const sha256 = createHash('sha256').update(style).digest('base64');

  expect(html).toContain(
    `content="default-src 'none'; img-src 'self' file:; media-src 'self' file:; style-src 'sha256-${sha256}'; base-uri 'none'; form-action 'none'"`,
  );
});

it('shows pictures, prompt and cost of a dropped file, and no address or key from elsewhere', () => {
  const folder = 'outputs/portraits/20260331T210005-Anna.png-aaaaaa/';
  const output = { name: 'a.png', bucket: 'b', contentType: 'image/png', sizeBytes: 3, sha256: '0' };
  const object = { kind: 'object', text: '', bucket: 'in', etag: 'e', sizeBytes: 1 } as const;
  const html = writeResultPage(
    toFolderPage({
      generation: { ...EXAMPLES.succeeded, outputFolder: folder },
      request: {
        model: 'wiro/flux',
        parameters: { prompt: 'A castle' },
        inputs: {
          mask: [{ kind: 'url', text: 'https://x/m.png?sig=SECRET', url: 'https://x/m.png?sig=SECRET' }],
          frame: [{ ...object, key: 'private/frame.png' }],
          inputImage: [{ ...object, key: 'uploads/portraits/Anna.png' }],
        },
        labels: {},
      },
      outputs: [
        { ...output, key: `${folder}0-a b.png` },
        { ...output, key: 'elsewhere/secret.png' },
      ],
      pastAttempts: [],
      notes: {},
      hints: [],
    }),
  );

  expect(html).toContain('<h1><bdi>Anna.png</bdi></h1>');
  expect(html).toContain('<img src="./0-a%20b.png"');
  expect(html).toContain('<p class="message">2 outputs are next to this file.</p>');
  expect(html).toContain('A castle');
  expect(html).toContain('<dt>Cost</dt><dd><bdi>$0.04</bdi></dd>');
  expect(html).not.toMatch(/SECRET|private|elsewhere|https?:/);
});
