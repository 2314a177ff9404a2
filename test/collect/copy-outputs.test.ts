import { describe, expect, it } from 'vitest';
import { type CopyOutputsDeps, copyOutputs } from '../../functions/collect/copy-outputs.ts';
import { createStandingOutputs } from '../../functions/collect/standing-outputs.ts';
import type { Generation } from '../../functions/generation/generation.ts';
import { OutputUnavailableError } from '../../functions/outputs/errors.ts';
import type { CopiedOutput, OutputToCopy } from '../../functions/outputs/types.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { createCopiedNotes } from '../../functions/store/copied-notes.ts';
import { createEarlierReads } from '../../functions/store/earlier-reads.ts';
import type { TaskOutput } from '../../functions/wiro/types.ts';
import { at } from '../generation/examples.ts';
import { createMemoryTable } from '../store/memory-table.ts';

const OUTPUT = { kind: 'file', name: '0.png', url: 'https://cdn.wiro.ai/a/0.png' } as const;
const copied = { contentType: 'image/png', sizeBytes: 3, sha256: 'a'.repeat(64) };

/** A copier that succeeds by default, and the copies it was asked for. */
function copyWorld(copy: (output: OutputToCopy) => Partial<CopiedOutput> = () => ({})) {
  const asked: OutputToCopy[] = [];
  const noted: CopiedOutput[] = [];
  let stands: CopiedOutput | undefined;
  let minutes = 0;
  const deps: CopyOutputsDeps = {
    outputBucket: 'outputs',
    outputPrefix: 'outputs/',
    copier: {
      copy: async (output) => {
        asked.push(output);
        stands = { bucket: output.bucket, key: output.key, ...copied, ...copy(output) };
        return stands;
      },
    },
    // Finds any object: it would take one that differs for the output.
    standing: { find: async () => stands, note: async (_, copy) => void noted.push(copy) },
    putBytes: () => Promise.reject(new Error('Not expected')),
    collectAgain: async () => undefined,
    earlierReads: createEarlierReads(createMemoryTable()),
    durations: DURATIONS,
    clock: () => new Date(at(minutes * 60)),
  };
  return {
    asked,
    noted,
    deps,
    pass: (more: number) => {
      minutes += more;
    },
    /** Tries one output, for the first time or after a setback. */
    collect: (output: TaskOutput, { isAgain = true } = {}) =>
      copyOutputs(deps, isAgain ? troubledBy('output_unavailable') : generation, [output], signal, {
        isAgain,
      }),
  };
}

const generation: Pick<Generation, 'id' | 'model' | 'attempt'> = {
  id: 'g1',
  model: 'wiro/flux',
  attempt: 1,
};
const troubledBy = (code: 'output_unavailable' | 'upstream_unavailable') => ({
  ...generation,
  trouble: { since: at(0), firstAt: { [code]: at(0) }, count: 1, code, message: '' },
});
const signal = new AbortController().signal;

describe('an encoded output', () => {
  it('is decoded only after outputs were unavailable: a proxy may have encoded it in passing', async () => {
    const { asked, deps } = copyWorld();

    await copyOutputs(deps, generation, [OUTPUT], signal);
    await copyOutputs(deps, troubledBy('upstream_unavailable'), [OUTPUT], signal);
    await copyOutputs(deps, troubledBy('output_unavailable'), [OUTPUT], signal);

    expect(asked.map(({ decode }) => decode)).toEqual([false, false, true]);
  });
});

describe('an output without an address', () => {
  it('may still come, and the others are copied all the same', async () => {
    const { deps } = copyWorld();
    const lacking = { kind: 'file', name: '../one.png', contentType: 'image/png' } as const;

    expect(await copyOutputs(deps, generation, [lacking, OUTPUT], signal)).toEqual({
      kind: 'incomplete',
      code: 'output_unavailable',
      message:
        '1 of 2 outputs could not be copied. Wiro\'s record of "one.png" names no address to fetch it from',
      outputs: [{ name: '0.png', bucket: 'outputs', key: 'outputs/g1/1/1-0.png', ...copied }],
    });
  });
});

describe('an output that differs from its record', () => {
  const OTHER_SIZE: Partial<CopiedOutput> = { differsFrom: { sizeBytes: 5 } };
  const found = { name: '0.png', bucket: 'outputs', key: 'outputs/g1/1/0-0.png', ...copied };

  it('is kept once two reads ten minutes apart agree, and says so', async () => {
    const { asked, noted, collect, pass } = copyWorld(() => OTHER_SIZE);

    const first = await collect(OUTPUT, { isAgain: false });
    pass(9);
    const tooSoon = await collect(OUTPUT);
    const readBy9 = asked.length;
    pass(1);
    const second = await collect(OUTPUT);

    const incomplete = {
      kind: 'incomplete',
      code: 'output_unavailable',
      message:
        "1 of 1 outputs could not be copied. What came differs from Wiro's record (3 bytes instead of 5): it is kept if it is the same in 10 minutes",
      outputs: [{ ...found, ...OTHER_SIZE }],
    };
    expect([first, tooSoon, readBy9]).toEqual([incomplete, incomplete, 1]);
    expect(second).toEqual({ kind: 'copied', outputs: [{ ...found, ...OTHER_SIZE }] });
    expect(noted).toEqual([]);
    // Another output may hold up the generation. This one is not read a third time.
    expect(await collect(OUTPUT)).toEqual(second);
    expect(asked).toHaveLength(2);
  });

  it('is compared again if its holder died between storing it and noting that', async () => {
    const record = { ...OUTPUT, contentType: 'image/png', sizeBytes: 3 };
    const differsFrom = { contentType: 'image/png' };
    const standing = { contentType: 'image/jpeg', sizeBytes: 3, sha256: copied.sha256 };
    const { deps, asked, pass } = copyWorld(() => ({ contentType: 'image/jpeg', differsFrom }));
    const again = {
      ...deps,
      standing: createStandingOutputs({
        head: async () => standing,
        notes: createCopiedNotes(createMemoryTable()),
      }),
    };
    const collect = () =>
      copyOutputs(again, troubledBy('output_unavailable'), [record], signal, { isAgain: true });

    const first = await collect();
    pass(10);
    const second = await collect();

    expect(first).toMatchObject({ kind: 'incomplete', code: 'output_unavailable' });
    expect(second).toMatchObject({
      kind: 'copied',
      outputs: [{ contentType: 'image/jpeg', differsFrom }],
    });
    expect(asked).toHaveLength(2);
  });

  it('is compared from then on with the second read, if that differs from the first', async () => {
    let sha256 = 'b'.repeat(64);
    const { collect, pass } = copyWorld(() => ({ ...OTHER_SIZE, sha256 }));

    await collect(OUTPUT, { isAgain: false });
    pass(10);
    sha256 = 'c'.repeat(64);
    const second = await collect(OUTPUT);
    pass(10);
    const third = await collect(OUTPUT);

    expect([second.kind, third.kind]).toEqual(['incomplete', 'copied']);
    expect(third.outputs).toEqual([{ ...found, ...OTHER_SIZE, sha256 }]);
  });

  it('is forgotten once the output is as the record says', async () => {
    const answers: Partial<CopiedOutput>[] = [OTHER_SIZE, { sha256: 'd'.repeat(64), sizeBytes: 5 }];
    const { collect, pass } = copyWorld(() => answers.shift() ?? {});

    await collect(OUTPUT, { isAgain: false });
    pass(10);

    expect(await collect(OUTPUT)).toEqual({
      kind: 'copied',
      outputs: [{ ...found, sha256: 'd'.repeat(64), sizeBytes: 5 }],
    });
  });

  it('is passed to the copier with its strong ETag, so that it need not be read completely again', async () => {
    const { asked, collect, pass } = copyWorld(() => ({ ...OTHER_SIZE, etag: '"v1"' }));

    await collect(OUTPUT, { isAgain: false });
    pass(10);
    await collect(OUTPUT);

    const { name: _, ...place } = found;
    expect(asked.map(({ before }) => before)).toEqual([undefined, { ...place, ...OTHER_SIZE, etag: '"v1"' }]);
  });

  it('is kept if nothing is fetched any more', async () => {
    const { deps, collect } = copyWorld(() => OTHER_SIZE);

    await collect(OUTPUT, { isAgain: false });

    expect(
      await copyOutputs(deps, generation, [OUTPUT], signal, { isAgain: true, isOver: true }),
    ).toMatchObject({ kind: 'incomplete', outputs: [{ ...found, ...OTHER_SIZE }] });
  });

  it('is kept if it cannot be read again: it is paid for', async () => {
    const answers: (() => Partial<CopiedOutput>)[] = [
      () => OTHER_SIZE,
      () => {
        throw new OutputUnavailableError('Cannot fetch an output from cdn.wiro.ai: the host answered 404');
      },
    ];
    const { collect, pass } = copyWorld(() => answers.shift()?.() ?? {});

    await collect(OUTPUT, { isAgain: false });
    pass(10);

    expect(await collect(OUTPUT)).toMatchObject({
      kind: 'incomplete',
      message: expect.stringMatching(/the host answered 404$/),
      outputs: [{ ...found, ...OTHER_SIZE }],
    });
  });
});

it('tells S3 of each output what it is of', async () => {
  const { asked, deps } = copyWorld();
  const put: unknown[] = [];
  const putBytes: CopyOutputsDeps['putBytes'] = async (ref, bytes, contentType, metadata) => {
    put.push(metadata);
    return { ...ref, contentType, sizeBytes: bytes.length, sha256: 'a'.repeat(64) };
  };

  await copyOutputs({ ...deps, putBytes }, generation, [OUTPUT, { kind: 'raw', content: 'yes' }], signal);

  expect(asked[0]?.metadata).toEqual({ generation: 'g1', model: 'wiro/flux', index: '0' });
  expect(put).toEqual([{ generation: 'g1', model: 'wiro/flux', index: '1' }]);
});

describe("a language model's answer", () => {
  async function putOf(output: Extract<TaskOutput, { kind: 'raw' }>) {
    const put: string[] = [];
    const { deps } = copyWorld();
    const putBytes: CopyOutputsDeps['putBytes'] = async (ref, bytes, contentType) => {
      put.push(bytes.toString('utf8'));
      return { ...ref, contentType, sizeBytes: bytes.length, sha256: 'a'.repeat(64) };
    };
    const copies = await copyOutputs({ ...deps, putBytes }, generation, [output], signal, { isAgain: false });
    return { put, content: copies.outputs[0]?.content };
  }

  it('is stored as Wiro wrote it, to the last digit', async () => {
    const source = '{ "seed": 12345678901234567890, "f": 1.0, "big": 1e400 }';
    const content = { seed: 12345678901234567000, f: 1, big: null };

    const { put, content: inline } = await putOf({ kind: 'raw', content, source, text: 'A "seed"' });

    expect(put).toEqual([`{"content":${source},"text":"A \\"seed\\""}`]);
    // In the record it would be another number.
    expect(inline).toBeUndefined();
  });

  it.each([
    ['{"raw":"12345678901234567890","n":[1.0,-7,9007199254740991,1e3]}'],
    ['"an answer with 12345678901234567890 and \\" in it"'],
  ])('is in the record, too, if every number is the same there: %s', async (source) => {
    const content: unknown = JSON.parse(source);

    expect(await putOf({ kind: 'raw', content, source })).toEqual({
      put: [`{"content":${source}}`],
      content: { content },
    });
  });

  it.each(['9007199254740993', '[1,1e400]', '{"a":-123456789012345678901}'])(
    'is not in the record where a number would be another: %s',
    async (source) => {
      expect((await putOf({ kind: 'raw', content: JSON.parse(source), source })).content).toBeUndefined();
    },
  );
});
