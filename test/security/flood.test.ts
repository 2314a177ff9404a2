import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { PRICE } from '../../bench/prices.ts';

const text = readFileSync(path.join(import.meta.dirname, '../../docs/security.md'), 'utf8');
const MILLION = 1_000_000;

it('costs what docs/security.md says that a million forged callbacks cost', () => {
  const dollars = {
    'a million requests': MILLION * PRICE.lambdaRequest.usd,
    'their time, 2 ms each with 384 MB': MILLION * 0.002 * 0.375 * PRICE.lambdaGbSecond.usd,
    // Whoever sends a request decides whether it is traced.
    'traces, if each request asks': MILLION * PRICE.trace.usd,
    'answers sent, 350 bytes each': ((MILLION * 350) / 1e9) * PRICE.transferGb.usd,
  };
  const total = Object.values(dollars).reduce((sum, one) => sum + one, 0);

  for (const [what, usd] of Object.entries(dollars))
    expect(text).toMatch(new RegExp(`\\| ${what}[^|]*\\| \\$${usd.toFixed(2)} \\|`));
  expect(text).toContain(`| **together** | **$${total.toFixed(2)}** |`);
  // Else Lambda samples five percent of them.
  expect(text).toContain(`$${(total - MILLION * 0.95 * PRICE.trace.usd).toFixed(2)} where none asks for it`);
  // Ten at a time let 100 a second through.
  expect(text).toContain(`is $${((total * 100 * 86_400) / MILLION).toFixed(2)} a day`);
  expect(readFileSync(path.join(import.meta.dirname, '../../docs/cost.md'), 'utf8')).toContain(
    `a million forged callbacks cost $${total.toFixed(2)} at most`,
  );
  // Two lines of 401 bytes each, had they been left on.
  expect(text).toContain(`(they would be $${(((MILLION * 802) / 1e9) * PRICE.logGb.usd).toFixed(2)})`);
});
