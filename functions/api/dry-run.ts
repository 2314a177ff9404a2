import { listProblems, type Problem } from '../generation/errors.ts';
import { timestamp } from '../generation/time.ts';
import { requireSame } from '../intake/accept-generation.ts';
import { type CountDeps, requireRoom } from '../intake/count-new.ts';
import { type ExamineDeps, examineReading } from '../intake/examine-request.ts';
import type { Warning } from '../request/accepted-request.ts';
import { generationId, requestHash } from '../request/identity.ts';
import type { Price } from '../request/price.ts';
import { gatherProblems } from '../request/problems.ts';
import type { ReadRequest } from '../request/request.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import { MOST_AHEAD } from './waiting-for.ts';

export interface DryRunDeps extends ExamineDeps, CountDeps {
  readonly deployment: string;
  readonly generations: Pick<GenerationStore, 'get' | 'ahead'>;
  readonly clock: () => Date;
}

/** What would become of a request. */
export interface DryRun {
  readonly dryRun: true;
  /** Whether it would be accepted as it is. */
  readonly valid: boolean;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
  readonly price: Price;
  /** Wiro's schema of the model was unavailable, so the parameters were not checked. */
  readonly schemaUnchecked?: true;
  /** How many generations wait in line for a slot at Wiro, up to 1,000. */
  readonly ahead?: number;
  /** The generation that its key stands for already: the request would return it, and start and cost nothing. */
  readonly repeats?: string;
}

/** Says what would become of a request. Writes nothing. */
export async function dryRun(deps: DryRunDeps, read: ReadRequest): Promise<DryRun> {
  // What no model takes is most likely a mistake, and here nothing is lost by saying so.
  const [examined, repeats] = await Promise.all([
    examineReading({ ...deps, unknownParameters: 'refuse' }, read, { isReadOnly: true }),
    findRepeated(deps, read),
  ]);
  const { warnings, price, schemaUnchecked } = examined;
  const problems = gatherProblems();
  if (repeats === undefined) {
    problems.add(examined.problems);
    await problems.checkLater(() => requireRoom(deps));
  } else {
    await problems.checkLater(async () => requireSame(repeats, requestHash(read.request)));
    // One that was accepted is returned, whatever has changed since.
    if (problems.list().length > 0) problems.add(examined.problems);
  }
  const valid = problems.list().length === 0;
  return {
    dryRun: true,
    valid,
    problems: listProblems(problems.list()),
    warnings,
    price,
    ...(schemaUnchecked && { schemaUnchecked }),
    ...(valid && (repeats === undefined ? await findPlace(deps) : { repeats: repeats.id })),
  };
}

async function findRepeated({ deployment, generations }: DryRunDeps, { request, problems }: ReadRequest) {
  const { idempotencyKey } = request;
  if (idempotencyKey === undefined || problems.length > 0) return undefined;
  return generations.get(generationId(deployment, 'api', idempotencyKey));
}

async function findPlace({ generations, clock }: DryRunDeps): Promise<Pick<DryRun, 'ahead'>> {
  const ahead = await generations
    .ahead({ createdAt: timestamp(clock()), id: '' }, MOST_AHEAD)
    .catch(logIgnored('the answer does without its place in line'));
  return ahead === undefined ? {} : { ahead: Math.min(ahead, MOST_AHEAD) };
}
