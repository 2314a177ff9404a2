import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeApi, documentationErrors } from '../../scripts/api-reference.ts';
import { findDeclaration } from '../../scripts/declarations.ts';
import { staleAmong } from '../../scripts/generated.ts';

/** Declarations in the compiler's format. */
const DECLARED = `import type { Other } from './other.ts';
/** Durations in milliseconds. */
export declare const TIMES: {
    /** One look. */
    readonly look: 60000;
    readonly pause: 5;
};
/** All durations with their defaults. */
export type Times = {
    readonly [name in keyof typeof TIMES]: number;
};
/** Options for a shop. */
export interface ShopProps<Bucket extends Other = Other> {
    /** The bucket for things. */
    readonly bucket: Bucket;
    /**
     * Letters, at most
     * 64. @default - the stack's name
     */
    readonly name?: string | undefined;
    /** Without a default. */
    readonly open?: {
        readonly from: number;
    };
}
export declare class Shop {
    #private;
    /** Its page. */
    readonly url: string;
    /**
     * Sells one thing.
     * @param id - The thing's id.
     * @returns The bill.
     * @throws {SoldOutError} If there is none
     *   left.
     */
    sell(id: string, options?: Other): number;
    private count;
}
`;

const declarations = ['Times', 'ShopProps', 'Shop'].map((name) => findDeclaration(DECLARED, name));
const page = describeApi(declarations);

describe('the API reference', () => {
  it('shows a member’s declaration and docstring', () => {
    expect(page).toContain(`### sell

\`\`\`ts
sell(id: string, options?: Other): number
\`\`\`

Sells one thing.

- \`id\`: The thing's id.
- Returns: The bill.
- Throws \`SoldOutError\`: If there is none left.
`);
    expect(page).toContain('export interface ShopProps<Bucket extends Other = Other>');
    expect(page).toContain("Letters, at most\n64.\n\n- Default: the stack's name");
    expect(page).toContain('readonly open?: {\n    readonly from: number;\n}');
  });

  it('shows nothing private', () => {
    expect(page).not.toMatch(/count|private/);
  });

  it('shows the values of the constant behind a type, which are the defaults', () => {
    expect(page).toContain('### look\n\n```ts\nlook: 60_000\n```\n\nOne look.');
  });

  it('reports missing docstrings and defaults', () => {
    expect(documentationErrors(declarations)).toEqual([
      'Times.pause has no docstring: add one.',
      'ShopProps.open is optional but its docstring has no default: add @default.',
      'Shop has no docstring: add one.',
    ]);
  });

  it('is out of date if it is missing or different', async () => {
    const root = await mkdtemp(path.join(tmpdir(), 'wiro-stale-'));
    await writeFile(path.join(root, 'current.md'), 'new');
    await writeFile(path.join(root, 'old.md'), 'old');

    const stale = await staleAmong(
      root,
      new Map([
        ['current.md', 'new'],
        ['old.md', 'new'],
        ['missing.md', 'new'],
      ]),
    );

    await rm(root, { recursive: true });
    expect(stale).toEqual([
      'old.md is out of date: run "npm run generate".',
      'missing.md is out of date: run "npm run generate".',
    ]);
  });
});
