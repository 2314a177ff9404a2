import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { StoredItem } from './story-world.ts';

/** What a user names, and codes that come and go: any name is fine there. */
const NAMED_BY_OTHERS = new Set([
  'body.parameters',
  'body.labels',
  'body.inputs',
  'trouble.firstAt',
  'body.schema',
]);

/**
 * The attributes of an item with their types, nested ones and those of JSON in `body` included: `claim.holder: S`.
 * `body[].content` is the models' own.
 */
export function shapeOf(item: StoredItem): readonly string[] {
  const found = new Set<string>();
  for (const [name, value] of Object.entries(item)) {
    if (name === 'body' && value.S !== undefined) visitJson('body', JSON.parse(value.S), found);
    else visit(name, value, found);
  }
  return [...found].sort();
}

/** What kind of item it is: one of a generation or of a day by its sort key, any other by its partition. */
export function kindOf({ pk, sk }: StoredItem): string {
  const [partition = ''] = (pk?.S ?? '').split('#');
  const [sort = ''] = (sk?.S ?? '').split('#');
  return partition === 'generation' || sort === 'once' ? sort : partition;
}

/** Kinds of items that the latest release did not store yet, and leaves alone. */
export const NEW_KINDS: ReadonlySet<string> = new Set([
  'copied',
  'copies',
  'counted',
  'drop',
  'earlier',
  'entries',
  'event',
  'hint',
  'notes',
  'once',
  'past',
  'uploads',
  'usage',
]);

/** Attributes that the latest release did not write yet, by kind of item: every reader can do without them. */
export const ADDED: Readonly<Record<string, readonly string[]>> = {
  model: ['body.modelKind: string', 'body.prices: array'],
  outputs: ['copiedAt: S', 'revision: N'],
};

/** The same, of some items of a kind alone: of large requests, and of a gate that has admitted or freed a slot. */
export const ADDED_TO_SOME: Readonly<Record<string, readonly string[]>> = {
  request: ['inBrief: S'],
  gate: ['admission: S', 'endedAt: S'],
};

/** Attributes that the latest release wrote, and can do without where they are missing. */
export const GONE: Readonly<Record<string, readonly string[]>> = { day: ['once: SS'] };

function visit(path: string, value: AttributeValue, found: Set<string>): void {
  if (value.M !== undefined) {
    found.add(`${path}: M`);
    for (const [name, one] of Object.entries(value.M))
      visit(`${path}.${NAMED_BY_OTHERS.has(path) ? '*' : name}`, one, found);
  } else if (value.L !== undefined) {
    found.add(`${path}: L`);
    for (const one of value.L) visit(`${path}[]`, one, found);
  } else {
    found.add(`${path}: ${Object.keys(value)[0]}`);
  }
}

function visitJson(path: string, value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) {
    found.add(`${path}: array`);
    // Wiro's own.
    if (path === 'body.prices') return;
    for (const one of value) visitJson(`${path}[]`, one, found);
  } else if (typeof value === 'object' && value !== null && path !== 'body[].content') {
    found.add(`${path}: object`);
    if (path === 'body.parameters' || path === 'body.labels' || path === 'body.schema') return;
    for (const [name, one] of Object.entries(value))
      visitJson(`${path}.${NAMED_BY_OTHERS.has(path) ? '*' : name}`, one, found);
  } else {
    found.add(`${path}: ${path === 'body[].content' ? 'any' : typeof value}`);
  }
}
