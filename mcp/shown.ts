import type { Generation, GenerationRow, Output } from '../client/index.ts';
import { type Answer, describeCut } from './answer.ts';

/**
 * A record without what lets others in: links and the token of Wiro's socket.
 * @param outputsFrom - Leaves out the outputs before this index.
 */
export function shown({ progress: _, outputs, ...record }: Generation, outputsFrom = 0): Answer {
  const { id, outputsTotal } = record;
  return {
    value: {
      ...record,
      ...(outputs && {
        outputs: outputs
          .map((output, index) => ({ index, ...withoutLink(output) }))
          .filter(({ index }) => index >= outputsFrom),
      }),
    },
    explain: (cuts) => [
      ...cuts.map((cut) => `${describeCut(cut)} ${remedyOf(cut.path, cut.shown)}`),
      ...(outputsTotal === undefined
        ? []
        : [`The record lists ${outputs.length} of ${outputsTotal} outputs. All are in the bucket.`]),
    ],
  };

  function remedyOf(path: string, shown: number): string {
    if (path === 'outputs') return `Call get with outputsFrom: ${outputsFrom + shown} for the next.`;
    const [, index] = /^outputs\.(\d+)\.content\b/.exec(path) ?? [];
    return index === undefined
      ? `"npx wiro-serverless show ${id} --json" prints all of it.`
      : `Call download_link with index: ${outputsFrom + Number(index)} for all of it.`;
  }
}

/** @param hasMore - Whether older ones were left out. */
export function shownRows(rows: readonly GenerationRow[], hasMore: boolean): Answer {
  return {
    value: {
      generations: rows.map(({ output, ...row }) => ({
        ...row,
        ...(output && { output: withoutLink(output) }),
      })),
    },
    explain: (cuts) => {
      const cut = cuts.find(({ path }) => path === 'generations');
      const last = rows[(cut?.shown ?? rows.length) - 1];
      return [
        ...cuts.filter((one) => one !== cut).map(describeCut),
        ...((cut === undefined && !hasMore) || last === undefined
          ? []
          : // The next millisecond, because others may have been accepted in the same one.
            [
              `There are older ones: call list with to: "${new Date(Date.parse(last.createdAt) + 1).toISOString()}". ` +
                'The last of these may come again.',
            ]),
      ];
    },
  };
}

function withoutLink<T extends Pick<Output, 'url' | 'urlExpiresAt'>>(
  output: T,
): Omit<T, 'url' | 'urlExpiresAt'> {
  const { url: _, urlExpiresAt: __, ...rest } = output;
  return rest;
}
