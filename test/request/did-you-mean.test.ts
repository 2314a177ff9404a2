import { expect, it } from 'vitest';
import { didYouMean, findClosest } from '../../functions/request/did-you-mean.ts';

it.each([
  ['promt', 'prompt'],
  ['propmt', 'prompt'],
  ['negative_prompt', 'negativePrompt'],
  ['Width', 'width'],
  ['stepss', 'steps'],
  ['sharpness', undefined],
  ['', undefined],
  ['x'.repeat(65), undefined],
])('%s means %s', (name, meant) => {
  const candidates = ['prompt', 'negativePrompt', 'width', 'height', 'steps', 'x'.repeat(65)];

  expect(findClosest(name, candidates)).toBe(meant);
});

it('asks only where there is something to ask', () => {
  expect(didYouMean('promt', ['prompt'])).toBe(' Did you mean "prompt"?');
  expect(didYouMean('x', ['prompt'])).toBe('');
});

it('compares a bounded number of bounded names', () => {
  const many = Array.from({ length: 100_000 }, (_, index) => `candidate-${index}`);
  const begun = performance.now();

  findClosest('y'.repeat(64), many);

  expect(performance.now() - begun).toBeLessThan(1_000);
});
