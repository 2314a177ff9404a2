import { describe, expect, it } from 'vitest';
import { checkPresets } from '../../../infra/checks/check-presets.ts';
import { readStackSettings } from '../../../infra/stack-settings.ts';
import { resourcesOf, synthesize } from '../synthesize.ts';

const GOOD = { portraits: { model: 'wiro/x', parameters: { prompt: 'p' }, fileParameter: 'inputImage' } };

describe('checkPresets', () => {
  it('returns presets that can be deployed', () => {
    expect(
      checkPresets({ ...GOOD, pair: { ...GOOD.portraits, inputs: { other: 's3://any/a.png' } } }),
    ).toHaveProperty('pair');
  });

  it.each([
    [[], 'must be an object'],
    [{ 'Head Shots': GOOD.portraits }, 'lower-case'],
    [{ a: 'x' }, 'presets.a must be'],
    [{ a: { model: 'wiro/x' } }, 'presets.a.fileParameter'],
    [{ a: { model: 'x', fileParameter: 'i' } }, 'presets.a.model'],
    [{ a: { ...GOOD.portraits, prompt: 'x' } }, 'presets.a.prompt'],
    [{ a: { ...GOOD.portraits, parameters: { inputImage: 1 } } }, 'inputImage'],
    [{ a: { ...GOOD.portraits, inputs: { other: 'http://x/y' } } }, 'https://'],
    [{ a: { ...GOOD.portraits, parameters: { prompt: 'x'.repeat(3_000) } } }, 'room for 3000'],
  ])('refuses %j and names the fault', (presets, part) => {
    expect(() => checkPresets(presets)).toThrow(part);
  });

  it('checks the presets in the stack’s settings', () => {
    const read = (presets: unknown) =>
      readStackSettings((name) => (name === 'presets' ? presets : undefined));

    expect(read(GOOD).presets).toEqual(GOOD);
    expect(() => read('{')).toThrow(/^presets: /);
  });
});

it('starts submit for uploads/ with and without presets, so that every file is answered', () => {
  const prefixes = (context: Record<string, string>) =>
    resourcesOf(synthesize(context), 'AWS::S3::Bucket').flatMap(([, { Properties }]) =>
      JSON.stringify(Properties.NotificationConfiguration ?? {}).match(/"Name":"prefix","Value":"[^"]*"/g),
    );

  expect(prefixes({}).join()).toContain('uploads/');
  expect(prefixes({ presets: JSON.stringify(GOOD) }).join()).toContain('uploads/');
}, 60_000);
