import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { importErrors, importErrorsIn, importsOf, sourceFiles } from '../../scripts/check-imports.ts';
import { ROOMS, roomOf } from '../../scripts/rooms.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const NAMES = Object.keys(ROOMS);

/** The path of a file in the room. */
function fileIn(name: string): string {
  const first = ROOMS[name]?.files?.[0] ?? name;
  return /\.ts$/.test(first) ? first : path.posix.join(first, 'planted.ts');
}

/** The check's errors for a file in the room with this text. */
const plant = (name: string, text: string) => importErrorsIn(fileIn(name), text);

const from = (name: string, file: string) => {
  const relative = path.posix.relative(path.posix.dirname(fileIn(name)), file);
  return relative.startsWith('.') ? relative : `./${relative}`;
};

describe.each(NAMES)('a wrong import planted in %s', (name) => {
  const { uses = [], types = [] } = ROOMS[name] ?? {};
  const forbidden = NAMES.filter((other) => other !== name && ![...uses, ...types].includes(other));

  it('is found in every form, from a forbidden room', () => {
    for (const other of forbidden) {
      const target = fileIn(other);
      const specifier = from(name, target);
      for (const text of [
        `import { a } from '${specifier}';`,
        `import type { A } from '${specifier}';`,
        `import {\n  a,\n  b,\n} from '${specifier}';`,
        `export * from '${specifier}';`,
        `import '${specifier}';`,
        `const a = await import('${specifier}');`,
      ])
        expect(plant(name, text), text).toEqual([
          expect.stringContaining(`${fileIn(name)} imports ${target}`),
        ]);
    }
  });

  it('is found if it imports more than types from a room that only allows these', () => {
    for (const other of types) {
      const specifier = from(name, fileIn(other));
      expect(plant(name, `import type { A } from '${specifier}';`)).toEqual([]);
      expect(plant(name, `import { type A, a } from '${specifier}';`)).toEqual([
        expect.stringContaining('may only import types'),
      ]);
    }
  });

  it('is found if it comes from the tests or another package', () => {
    expect(plant(name, `import { a } from '${from(name, 'test/support/system.ts')}';`)).toHaveLength(1);
    expect(plant(name, "import a from 'another-package';")).toHaveLength(1);
  });
});

it('finds wrong imports and folders without a room in the whole tree', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'wiro-rooms-'));
  const files = {
    'functions/store/planted.ts': "import { a } from '../api/handler.ts';",
    'another/planted.ts': "import { a } from '../functions/api/handler.ts';",
    'test/planted.ts': "import { a } from '../functions/api/handler.ts';",
    'node_modules/package/planted.mjs': "import a from 'anything';",
  };
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.join(root, path.dirname(file)), { recursive: true });
    await writeFile(path.join(root, file), text);
  }

  const errors = await importErrors(root);

  await rm(root, { recursive: true });
  expect(errors).toEqual([
    'another/planted.ts belongs to no room: add its folder to scripts/rooms.ts.',
    'functions/store/planted.ts imports functions/api/handler.ts: functions/store may not import functions/api. See scripts/rooms.ts.',
  ]);
});

it('finds nothing in this repository', async () => {
  expect(await importErrors(path.resolve(import.meta.dirname, '../..'))).toEqual([]);
});

describe('the table of rooms', () => {
  it('keeps the state machine pure', () => {
    for (const name of ['@aws-sdk/client-dynamodb', 'node:fs', 'undici', '@smithy/core'])
      expect(plant('functions/generation', `import { a } from '${name}';`)).toHaveLength(1);
    expect(ROOMS['functions/generation']?.uses).toBeUndefined();
  });

  it('has no cycle: each room only uses rooms before it', () => {
    for (const [index, name] of NAMES.entries())
      for (const used of [...(ROOMS[name]?.uses ?? []), ...(ROOMS[name]?.types ?? [])])
        expect([used, NAMES.slice(0, index).includes(used)]).toEqual([used, true]);
  });

  it('allows nothing unused', async () => {
    const used = new Map(
      NAMES.map((name) => [name, { uses: new Set(), types: new Set(), packages: new Set() }]),
    );
    for (const file of await sourceFiles(ROOT))
      for (const { target, isPackage, isTypeOnly } of importsOf(
        file,
        await readFile(path.join(ROOT, file), 'utf8'),
      )) {
        const name = roomOf(file) ?? '';
        const room = used.get(name);
        if (isPackage) room?.packages.add(ROOMS[name]?.packages?.find((one) => target.startsWith(one)));
        else room?.[isTypeOnly ? 'types' : 'uses'].add(roomOf(target));
      }
    const unused = NAMES.flatMap((name) => {
      const { uses = [], types = [], packages = [] } = ROOMS[name] ?? {};
      const seen = used.get(name);
      return [
        ...uses.filter((one) => !seen?.uses.has(one)),
        ...types.filter((one) => !seen?.types.has(one)),
        ...packages.filter((one) => !seen?.packages.has(one)),
      ].map((one) => `${name} does not use ${one}`);
    });

    expect(unused).toEqual([]);
  });
});
