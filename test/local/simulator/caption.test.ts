import sharp from 'sharp';
import { expect, it } from 'vitest';
import { drawCaption } from '../../../local/simulator/images/caption.ts';

const SIZE = { width: 800, height: 600 };

/** The lines of a caption in its SVG, which must be valid. */
async function linesOf(prompt: string): Promise<readonly string[]> {
  const svg = drawCaption(prompt, SIZE);
  expect(await sharp(Buffer.from(svg)).metadata()).toMatchObject(SIZE);
  return [...svg.matchAll(/<text [^>]*>(.*?)<\/text>/gs)].map(([, line = '']) => line);
}

it('keeps every character that XML allows', async () => {
  const kept = 'a ~\x7f\x85\xa0ü字\ud7ff\ue000\ufffd\u{10000}🙂\u{10ffff}z';

  expect(await linesOf(kept)).toEqual(['a ~\x7f\x85 ü字\ud7ff\ue000\ufffd\u{10000}🙂\u{10ffff}z']);
});

it('removes only characters that XML does not allow', async () => {
  const controls = '\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f';
  const more = '\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f';

  expect(await linesOf(`a${controls}b`)).toEqual(['ab']);
  expect(await linesOf(`a${more}b`)).toEqual(['ab']);
  expect(await linesOf('a\ufffeb\uffffc\ud800d\udbffe\udc00f\udfffg')).toEqual(['abcdefg']);
});

it('replaces any whitespace with one space', async () => {
  expect(await linesOf('\n a\tb\r\nc\x0bd\x0ce \u3000 f ')).toEqual(['a b c d e f']);
});

it('removes half of a surrogate pair at the end of a line', async () => {
  const [first = '', second = ''] = await linesOf(`x${'🙂'.repeat(99)}`);

  expect([first, second]).toEqual([expect.stringMatching(/^x🙂+$/u), expect.stringMatching(/^🙂+…$/u)]);
});

it('shows markup as text', async () => {
  expect(await linesOf('A & B </text> ]]> &amp;')).toEqual(['A &amp; B &lt;/text&gt; ]]&gt; &amp;amp;']);
});
