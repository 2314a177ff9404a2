import { describe, expect, it } from 'vitest';
import { type CopyOutputsDeps, copyOutputs } from '../../functions/callback/copy-outputs.ts';
import type { Generation } from '../../functions/generation/generation.ts';
import type { OutputToCopy } from '../../functions/objects/types.ts';
import { at } from '../generation/examples.ts';

const OUTPUT = { kind: 'file', name: '0.png', url: 'https://cdn.wiro.ai/a/0.png' } as const;
const copied = { contentType: 'image/png', sizeBytes: 3, sha256: 'a'.repeat(64) };

/** A copier that succeeds, and what it was asked for. */
function copyWorld(over: Partial<CopyOutputsDeps> = {}) {
  const asked: OutputToCopy[] = [];
  const deps: CopyOutputsDeps = {
    outputBucket: 'outputs',
    outputPrefix: 'outputs/',
    copier: {
      copy: async (output) => {
        asked.push(output);
        return { bucket: output.bucket, key: output.key, ...copied };
      },
    },
    standing: { find: async () => undefined, note: async () => undefined },
    putBytes: () => Promise.reject(new Error('Not expected')),
    collectAgain: async () => undefined,
    ...over,
  };
  return { asked, deps };
}

const generation: Pick<Generation, 'id' | 'attempt'> = { id: 'g1', attempt: 1 };
const troubledBy = (code: 'output_unavailable' | 'upstream_unavailable') => ({
  ...generation,
  trouble: { since: at(0), firstAt: { [code]: at(0) }, count: 1, code, message: '' },
});
const signal = new AbortController().signal;

describe('what comes encoded', () => {
  it('is decoded only once outputs were unavailable before: a proxy may have encoded it in passing', async () => {
    const { asked, deps } = copyWorld();

    await copyOutputs(deps, generation, [OUTPUT], signal);
    await copyOutputs(deps, troubledBy('upstream_unavailable'), [OUTPUT], signal);
    await copyOutputs(deps, troubledBy('output_unavailable'), [OUTPUT], signal);

    expect(asked.map(({ decode }) => decode)).toEqual([false, false, true]);
  });
});

describe('an output without an address', () => {
  it('is one that may still come, and the others are copied all the same', async () => {
    const { deps } = copyWorld();
    const lacking = { kind: 'file', name: '../one.png', contentType: 'image/png' } as const;

    expect(await copyOutputs(deps, generation, [lacking, OUTPUT], signal)).toEqual({
      kind: 'incomplete',
      code: 'output_unavailable',
      message:
        '1 of 2 outputs could not be copied: Wiro\'s record of "one.png" names no address to fetch it from',
      outputs: [{ name: '0.png', bucket: 'outputs', key: 'outputs/g1/1/1-0.png', ...copied }],
    });
  });
});
