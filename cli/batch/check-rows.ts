import type { Client } from '../../client/index.ts';
import { mapLimited } from '../../functions/runtime/map-limited.ts';
import { placeholder, withInputs } from '../request-options.ts';
import type { PreparedRow } from './prepare-batch.ts';
import type { RowProblem } from './read-batch.ts';

export interface Checked {
  readonly problems: readonly RowProblem[];
  readonly warnings: readonly RowProblem[];
  /** The known prices of what is not running yet. */
  readonly usd: number;
  readonly estimates: number;
  readonly unknown: number;
}

export interface KeyedRow extends PreparedRow {
  readonly key: string;
}

/** Has the deployment check and price rows. Nothing is stored, run or uploaded. */
export async function checkRows(
  client: Pick<Client, 'price'>,
  rows: readonly KeyedRow[],
  {
    atOnce,
    signal,
    onChecked,
  }: { readonly atOnce: number; readonly signal: AbortSignal; readonly onChecked: () => void },
): Promise<Checked> {
  const answers = await mapLimited(rows, atOnce, async ({ line, given, key }) => {
    const hasFiles = Object.values(given.inputs).some((all) => all.some((one) => 'file' in one));
    const request = await withInputs(given, placeholder);
    // With its files it is another request, for which its key may stand already.
    const { idempotencyKey: _, ...rest } = request;
    const answer = await client.price(hasFiles ? rest : { ...rest, idempotencyKey: key }, { signal });
    onChecked();
    return { line, answer };
  });
  const priced = answers
    .filter(({ answer }) => answer.repeats === undefined)
    .map(({ answer }) => answer.price);
  return {
    problems: answers.flatMap(({ line, answer }) =>
      answer.problems.map(({ message }) => ({ line, message })),
    ),
    warnings: answers.flatMap(({ line, answer }) =>
      answer.warnings.map(({ message }) => ({ line, message })),
    ),
    // In millionths of a dollar, so that the sum has no errors of its own.
    usd: priced.reduce((sum, { usd = 0 }) => sum + Math.round(usd * 1e6), 0) / 1e6,
    estimates: priced.filter(({ certainty }) => certainty === 'estimate').length,
    unknown: priced.filter(({ certainty }) => certainty === 'unknown').length,
  };
}
