import { describe, expect, it } from 'vitest';
import { PREFIX } from '../../../functions/objects/prefix.ts';
import { refuseTriggerLoops } from '../../../infra/checks/trigger-loops.ts';

const submit = { objectsCreated: [{ prefix: 'requests/' }] };

describe('refusing trigger loops', () => {
  it('accepts the built-in prefixes', () => {
    expect(() => refuseTriggerLoops()).not.toThrow();
  });

  it.each([
    ['an output prefix', { outputs: 'requests/out/' }, '"requests/out/" for outputs overlaps "requests/"'],
    ['a rejection prefix', { rejected: 'requests/' }, '"requests/" for rejected overlaps "requests/"'],
    ['a prefix that contains the trigger’s', { results: 'req' }, '"req" for results overlaps "requests/"'],
    ['an empty prefix', { results: '' }, '"" for results overlaps'],
  ])('refuses %s that overlaps a trigger, and names both', (_, changed, sentence) => {
    expect(() => refuseTriggerLoops({ ...PREFIX, ...changed }, { submit })).toThrow(sentence);
  });

  it('refuses a new trigger under the prefix of results', () => {
    const presets = { objectsCreated: [{ prefix: 'results/again/' }] };

    expect(() => refuseTriggerLoops(PREFIX, { submit, presets })).toThrow('starts "presets"');
  });

  it('accepts similar prefixes that do not overlap', () => {
    expect(() => refuseTriggerLoops({ ...PREFIX, results: 'requests-done/' }, { submit })).not.toThrow();
  });
});
