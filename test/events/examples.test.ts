import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { createEventCheck, EVENT_SCHEMAS, EVENTS_FOLDER } from './event-schemas.ts';

const read = (file: string) => readFileSync(path.join(EVENTS_FOLDER, file), 'utf8');
const examples = globSync('examples/*.json', { cwd: EVENTS_FOLDER })
  .sort()
  .map((file) => ({ file, event: JSON.parse(read(file)) as Record<string, unknown> }));

it('documents one valid example of each event', () => {
  const check = createEventCheck({ isStrict: true });

  expect(examples.map(({ event }) => event['detail-type']).sort()).toEqual([...EVENT_SCHEMAS.keys()].sort());
  expect(examples.flatMap(({ event }) => check(event))).toEqual([]);
});

it('keeps an event valid for consumers when a later version adds a property', () => {
  const check = createEventCheck({ isStrict: false });
  const ours = examples.filter(({ event }) => event.source === 'wiro.generations');
  const later = ours.map(({ event }) => ({
    ...event,
    replay: 'x',
    detail: { ...(event.detail as object), addedLater: 1 },
  }));

  expect(later).toHaveLength(5);
  expect(later.flatMap(check)).toEqual([]);
});

it('documents properties that several events share in the same way', () => {
  const common = new Map<string, Set<string>>();
  for (const [type, schema] of EVENT_SCHEMAS) {
    if (type === 'Generation Requested') continue;
    const { properties } = (schema.properties as Record<string, { properties?: object }>).detail ?? {};
    for (const [name, property] of Object.entries(properties ?? {})) {
      const { description: _, pattern: __, const: ___, maxItems: ____, items: _____, ...form } = property;
      // A refused request has all its problems besides.
      const shared = JSON.stringify(form, (key, value) => (key === 'problems' ? undefined : value));
      common.set(name, (common.get(name) ?? new Set()).add(shared));
    }
  }

  expect([...common].filter(([, forms]) => forms.size > 1)).toEqual([]);
});

it('names every schema and every example on the page', () => {
  const page = read('README.md');

  for (const file of globSync(['*.schema.json', 'examples/*.json'], { cwd: EVENTS_FOLDER }))
    expect(page).toContain(`(${file.split(path.sep).join('/')})`);
});
