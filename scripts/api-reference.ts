import type { Declaration, Doc, Member } from './declarations.ts';

const HEAD = `# API reference of the package

All exports of \`wiro-serverless\`. \`npm run generate\` writes this page from the docstrings: do not edit it.
[docs/construct.md](../construct.md) shows how to use them.
`;

/** The page of all exports. */
export function describeApi(declarations: readonly Declaration[]): string {
  // The construct and its properties first: for most readers that is all.
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

/** What a reader of the reference would miss, each as a line for a person. */
export function undocumented(declarations: readonly Declaration[]): readonly string[] {
  return declarations.flatMap(({ name, doc, members }) => [
    ...(doc?.text ? [] : [`${name} says nothing of itself: give it a comment.`]),
    ...members.flatMap((member) => {
      const place = `${name}.${member.name}`;
      if (!member.doc?.text) return [`${place} says nothing of itself: give it a comment.`];
      if (member.isOptional && member.doc.fallback === undefined)
        return [`${place} may be left out, and does not say what is then: give it a @default.`];
      return [];
    }),
  ]);
}
