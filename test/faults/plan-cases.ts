import { createHash } from 'node:crypto';
import { type Call, type CrashCase, caseName } from './calls.ts';
import { FLOWS } from './flows.ts';

const ALIKE: ReadonlySet<string> = new Set(FLOWS.filter(({ isAlike }) => isAlike).map(({ name }) => name));

/** Every kill that a recorded run of a flow gives rise to. */
export function planCases(flow: string, recorded: readonly Call[]): readonly CrashCase[] {
  const calls = recorded.filter(isPlanned);
  const last = new Map(calls.map((call) => [call.functionName, call]));
  return [
    ...calls.filter(isWrite).map((call) => ({ flow, call, place: 'undelivered' }) as const),
    ...calls.map((call) => ({ flow, call, place: 'unanswered' }) as const),
    ...[...last.values()].map((call) => ({ flow, call, place: 'answered' }) as const),
  ];
}

/** A read leaves nothing behind: a process that dies in it leaves the same, delivered or not. */
const isWrite = ({ operation }: Call): boolean => !READS.test(operation);

const READS =
  /^(DynamoDB\.(GetItem|BatchGetItem|Query)|S3\.(GetObject|HeadObject|List\w*)|SSM\.Get\w*|Wiro\.(Task|Tool)\/(Detail|List)|CDN\.(GET|HEAD))\b/;

/** How often `reconcile` looks depends on the clock alone, and one look in vain is like the other. */
const isPlanned = ({ functionName, ordinal }: Call): boolean => functionName !== 'reconcile' || ordinal <= 2;

/** Where money and truth hang on a single write: the mark, the Run, and the end. */
export const isEssential = ({ flow, call: { operation, ordinal } }: CrashCase): boolean =>
  (ordinal === 1 || !ALIKE.has(flow)) &&
  /^Wiro\.Run$|^DynamoDB\.PutItem state:(submitting\+mark|succeeded|failed|cancelled)$/.test(operation);

/** A share of the cases, in an order of the seed's own; each is decided by itself, whatever else there is. */
export function sample(
  cases: readonly CrashCase[],
  { share, seed }: { readonly share: number; readonly seed: number },
): readonly CrashCase[] {
  const draw = (one: CrashCase) =>
    createHash('sha256')
      .update(`${seed} ${caseName(one)}`)
      .digest()
      .readUInt32BE() /
    2 ** 32;
  return cases
    .map((one) => ({ one, drawn: draw(one) }))
    .filter(({ drawn }) => drawn < share)
    .sort((a, b) => a.drawn - b.drawn)
    .map(({ one }) => one);
}
