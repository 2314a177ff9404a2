import type { Declaration, Doc, Member } from './declarations.ts';

const HEAD = `# API reference of the package

All exports of \`wiro-serverless\`. \`npm run generate\` writes this page from the docstrings: do not edit it.
[docs/construct.md](../construct.md) shows how to use them.
`;

/** Writes the reference page of all exports. */
export function describeApi(declarations: readonly Declaration[]): string {
  // Most readers only need the construct and its properties, so they come first.
  const rank = ({ name, kind }: Declaration) =>
    name.startsWith('WiroGenerations') ? 0 : kind === 'class' ? 1 : 2;
  const ordered = declarations.toSorted((one, other) => rank(one) - rank(other));
  return [HEAD, listOf(ordered), ...ordered.map(describe)].join('\n');
}

const listOf = (declarations: readonly Declaration[]) =>
  `${declarations.map(({ name, kind }) => `- [${name}](#${name.toLowerCase()}), ${kind === 'class' ? 'a class' : 'a type'}`).join('\n')}\n`;

function describe({ name, declared, doc, members }: Declaration): string {
  const parts = [
    `## ${name}`,
    '',
    '```ts',
    declared,
    '```',
    '',
    ...wordsOf(doc),
    ...members.map(describeMember),
  ];
  return `${parts.join('\n').trim()}\n`;
}

function describeMember({ name, declared, doc }: Member): string {
  const isValue = /: (?:\d[\d_]*|'[^']*'|"[^"]*");?$/.test(declared);
  const value = isValue ? declared.replace(/^[^:]*: /, '') : undefined;
  return [
    `### ${name}`,
    '',
    '```ts',
    value === undefined ? declared : `${name}: ${value.replace(/(\d)(?=(\d{3})+$)/g, '$1_')}`,
    '```',
    '',
    ...wordsOf(doc),
  ].join('\n');
}

function wordsOf(doc: Doc | undefined): readonly string[] {
  if (doc === undefined) return [];
  const { text, parameters, returns, throws, fallback } = doc;
  const facts = [
    ...parameters.map((one) => `- \`${one.name}\`: ${inLine(one.text)}`),
    ...(returns === undefined ? [] : [`- Returns: ${inLine(returns)}`]),
    ...throws.map((one) => `- Throws \`${one.error}\`: ${inLine(one.text)}`),
    ...(fallback === undefined ? [] : [`- Default: ${inLine(fallback)}`]),
  ];
  return [...(text === '' ? [] : [text, '']), ...(facts.length === 0 ? [] : [...facts, ''])];
}

const inLine = (text: string) => text.replace(/\s*\n\s*/g, ' ');

/** Returns an error for each missing docstring and each missing default. */
export function documentationErrors(declarations: readonly Declaration[]): readonly string[] {
  return declarations.flatMap(({ name, doc, members }) => [
    ...(doc?.text ? [] : [`${name} has no docstring: add one.`]),
    ...members.flatMap((member) => {
      const path = `${name}.${member.name}`;
      if (!member.doc?.text) return [`${path} has no docstring: add one.`];
      if (member.isOptional && member.doc.fallback === undefined)
        return [`${path} is optional but its docstring has no default: add @default.`];
      return [];
    }),
  ]);
}
