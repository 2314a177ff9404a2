import { describe, expect, it } from 'vitest';
import { PREFIX } from '../../../functions/objects/prefix.ts';
import { refuseTriggerLoops } from '../../../infra/checks/trigger-loops.ts';

const submit = { objectsCreated: [{ prefix: 'requests/', suffix: '.json' }] };

describe('refusing trigger loops', () => {
  it('accepts the prefixes that are built in', () => {
    expect(() => refuseTriggerLoops()).not.toThrow();
  });

  it.each([
    ['an output prefix', { outputs: 'requests/out/' }, '"requests/out/" for outputs overlaps "requests/"'],
    ['a rejection prefix', { rejected: 'requests/' }, '"requests/" for rejected overlaps "requests/"'],
    ['a prefix of which the trigger is a part', { results: 'req' }, '"req" for results overlaps "requests/"'],
    ['an empty prefix', { results: '' }, '"" for results overlaps'],
  ])('refuses %s under a trigger, and says which', (_, changed, sentence) => {
    expect(() => refuseTriggerLoops({ ...PREFIX, ...changed }, { submit })).toThrow(sentence);
  });

  it('refuses a new trigger over the prefix of results', () => {
    const presets = { objectsCreated: [{ prefix: 'results/again/', suffix: '' }] };

    expect(() => refuseTriggerLoops(PREFIX, { submit, presets })).toThrow('starts "presets"');
  });

  it('accepts prefixes that look alike but do not contain each other', () => {
    expect(() => refuseTriggerLoops({ ...PREFIX, results: 'requests-done/' }, { submit })).not.toThrow();
  });
});
