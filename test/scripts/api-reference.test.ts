import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeApi, undocumented } from '../../scripts/api-reference.ts';
import { findDeclaration } from '../../scripts/declarations.ts';
import { staleAmong } from '../../scripts/generated.ts';

/** As the compiler writes declarations. */
const DECLARED = `import type { Other } from './other.ts';
/** How long things take, in milliseconds. */
export declare const TIMES: {
    /** One look. */
    readonly look: 60000;
    readonly pause: 5;
};
/** Every time, each with its default. */
export type Times = {
    readonly [name in keyof typeof TIMES]: number;
};
/** What a shop is told. */
export interface ShopProps<Bucket extends Other = Other> {
    /** Where things lie. */
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
     * @param id - The thing's.
     * @returns The bill.
     * @throws {SoldOutError} When there is none
     *   left.
     */
    sell(id: string, options?: Other): number;
    private count;
}
`;

const declarations = ['Times', 'ShopProps', 'Shop'].map((name) => findDeclaration(DECLARED, name));
const page = describeApi(declarations);

describe('the reference of what the package exports', () => {
  it('shows a member as it is declared, with what it says of itself', () => {
    expect(page).toContain(`### sell

\`\`\`ts
sell(id: string, options?: Other): number
\`\`\`

Sells one thing.

- \`id\`: The thing's.
- Returns: The bill.
- Throws \`SoldOutError\`: When there is none left.
`);
    expect(page).toContain('export interface ShopProps<Bucket extends Other = Other>');
    expect(page).toContain("Letters, at most\n64.\n\n- Default: the stack's name");
    expect(page).toContain('readonly open?: {\n    readonly from: number;\n}');
  });

  it('shows nothing private', () => {
    expect(page).not.toMatch(/count|private/);
  });

  it('shows the values that a type is made of, which are the defaults', () => {
    expect(page).toContain('### look\n\n```ts\nlook: 60_000\n```\n\nOne look.');
  });

  it('misses what says nothing of itself, or not what it is by default', () => {
    expect(undocumented(declarations)).toEqual([
      'Times.pause says nothing of itself: give it a comment.',
      'ShopProps.open may be left out, and does not say what is then: give it a @default.',
      'Shop says nothing of itself: give it a comment.',
    ]);
  });

  it('counts as stale when it is missing or says anything else', async () => {
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
      'old.md is not what the code says any more: run "npm run generate".',
      'missing.md is not what the code says any more: run "npm run generate".',
    ]);
  });
});
