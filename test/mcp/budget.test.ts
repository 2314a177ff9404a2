import { describe, expect, it } from 'vitest';
import { createBudget } from '../../mcp/budget.ts';
import { submissionKey } from '../../mcp/submission-key.ts';

describe('a budget', () => {
  it('counts prices to the last millionth', () => {
    const budget = createBudget(1);

    for (let times = 0; times < 10; times += 1)
      expect(budget.take({ certainty: 'exact', usd: 0.1 })).toBeUndefined();

    expect(budget.leftUsd()).toBe(0);
    expect(budget.take({ certainty: 'exact', usd: 0.000001 })).toEqual({
      kind: 'tooHigh',
      usd: 0.000001,
      leftUsd: 0,
    });
  });

  it('counts an estimate in full, what is free as nothing, and refuses what is unknown', () => {
    const budget = createBudget(0.05);

    expect(budget.take({ certainty: 'estimate', usd: 0.05 })).toBeUndefined();
    expect(budget.take({ certainty: 'exact', usd: 0 })).toBeUndefined();
    expect(budget.take({ certainty: 'unknown' })).toEqual({ kind: 'unknown' });
  });

  it('has what is given back', () => {
    const budget = createBudget(0.05);
    budget.take({ certainty: 'exact', usd: 0.04 });

    budget.giveBack({ certainty: 'exact', usd: 0.04 });

    expect(budget.leftUsd()).toBe(0.05);
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
