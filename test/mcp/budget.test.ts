import { describe, expect, it } from 'vitest';
import { createBudget } from '../../mcp/budget.ts';
import { submissionKey } from '../../mcp/submission-key.ts';

describe('a budget', () => {
  it('counts prices to the last millionth', () => {
    const budget = createBudget(1);

    for (let times = 0; times < 10; times += 1)
      expect(budget.take(String(times), { certainty: 'exact', usd: 0.1 })).toBeUndefined();

    expect(budget.leftUsd()).toBe(0);
    expect(budget.take('more', { certainty: 'exact', usd: 0.000001 })).toEqual({
      kind: 'tooHigh',
      usd: 0.000001,
      leftUsd: 0,
    });
  });

  it('counts an estimate in full, what is free as nothing, and refuses what is unknown', () => {
    const budget = createBudget(0.05);

    expect(budget.take('one', { certainty: 'estimate', usd: 0.05 })).toBeUndefined();
    expect(budget.take('two', { certainty: 'exact', usd: 0 })).toBeUndefined();
    expect(budget.take('three', { certainty: 'unknown' })).toEqual({ kind: 'unknown' });
  });

  it('has what is given back, once all submissions of the key ended without a generation', () => {
    const budget = createBudget(0.05);
    budget.take('one', { certainty: 'exact', usd: 0.04 });
    budget.take('one', { certainty: 'exact', usd: 0.04 });

    budget.giveBack('one');
    expect(budget.leftUsd()).toBe(0.01);
    budget.giveBack('one');
    expect(budget.leftUsd()).toBe(0.05);
  });

  it('keeps what may have become a generation, and counts it once', () => {
    const budget = createBudget(0.05);
    budget.take('one', { certainty: 'exact', usd: 0.04 });
    budget.keep('one');

    expect(budget.take('one', { certainty: 'exact', usd: 0.04 })).toBeUndefined();
    budget.giveBack('one');

    expect(budget.leftUsd()).toBe(0.01);
  });
});

describe('the key of a submission', () => {
  it('is the same for the same arguments in another order', () => {
    const one = submissionKey({ model: 'a/b', parameters: { x: 1, y: [{ p: 1, q: 2 }] } });

    expect(submissionKey({ parameters: { y: [{ q: 2, p: 1 }], x: 1 }, model: 'a/b' })).toBe(one);
    expect(one).toMatch(/^mcp-[0-9a-f]{64}$/);
  });

  it.each([
    [{ model: 'a/b', parameters: { x: '1' } }, undefined],
    [{ model: 'a/b', parameters: { x: 1 } }, 'again'],
    [{ model: 'a/b', parameters: {}, inputs: { x: '1' } }, undefined],
    [{ model: 'a/b', parameters: [['x', 1]] }, undefined],
  ])('is another for %j, variation %s', (request, variation) => {
    expect(submissionKey(request, variation)).not.toBe(submissionKey({ model: 'a/b', parameters: { x: 1 } }));
  });
});
