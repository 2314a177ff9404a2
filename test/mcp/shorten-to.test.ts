import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shortenTo } from '../../mcp/shorten-to.ts';

it('returns what fits as it is', () => {
  const value = { id: 'g1', outputs: [{ name: 'a' }] };

  expect(shortenTo(value, 100)).toEqual({ value, cuts: [] });
  expect(shortenTo(value, 100).value).toBe(value);
});

it('keeps small parts whole beside large ones, in their order', () => {
  const { value, cuts } = shortenTo(
    {
      prompt: 'p'.repeat(500),
      status: 'failed',
      labels: { a: '1' },
      outputs: ['one', 'two', 'o'.repeat(500)],
    },
    200,
  );

  expect(Object.keys(value)).toEqual(['prompt', 'status', 'labels', 'outputs']);
  expect(value).toMatchObject({ status: 'failed', labels: { a: '1' }, outputs: ['one', 'two'] });
  expect(value.prompt).toMatch(/^p{20,}…$/);
  expect(cuts).toEqual([
    { path: 'prompt', shown: value.prompt.length - 1, total: 500, unit: 'characters' },
    { path: 'outputs', shown: 2, total: 3, unit: 'items' },
  ]);
});

it('shortens the first item of a list if not even that fits, and never half a letter', () => {
  const { value, cuts } = shortenTo(['😀'.repeat(100)], 40);

  expect(value[0]).toMatch(/^(?:😀)+…$/u);
  expect(cuts).toMatchObject([{ path: '.0', unit: 'characters' }]);
});

it('has about the given length, whatever the value is', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), fc.integer({ min: 500, max: 2_000 }), (value, most) => {
      const { value: fitted, cuts } = shortenTo({ value }, most);

      expect(JSON.stringify(fitted).length).toBeLessThan(1.5 * most);
      if (JSON.stringify({ value }).length <= most) expect(cuts).toEqual([]);
    }),
    { numRuns: 50 },
  );
  const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`field-${index}`, index]));
  const { value: narrow, cuts } = shortenTo({ wide }, 3_000);
  expect(JSON.stringify(narrow).length).toBeLessThan(6_000);
  expect(cuts).toMatchObject([{ path: 'wide', total: 5_000, unit: 'fields' }]);
});
