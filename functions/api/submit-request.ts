import { RequestError } from '../generation/errors.ts';
import { timestamp } from '../generation/time.ts';
import { type AcceptDeps, acceptChecked, checkRequest } from '../intake/accept-generation.ts';
import { findAllProblems } from '../intake/examine-request.ts';
import { gatherProblems } from '../request/problems.ts';
import { type ReadRequest, readRequest } from '../request/request.ts';
import type { SourceRules } from '../request/source.ts';
import { isRecord } from '../runtime/json.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { WholeGeneration } from '../store/generation-store.ts';
import { requireSecrets } from './check-configuration.ts';
import type { DryRun, DryRunDeps } from './dry-run.ts';

export interface SubmitRequestDeps extends AcceptDeps, DryRunDeps {
  readonly generations: AcceptDeps['generations'] & DryRunDeps['generations'];
  readonly rules: SourceRules;
  readonly submit: (id: string) => Promise<void>;
  /** Returns which secrets are missing and the remedy, or `undefined` if none is known to be missing. */
  readonly missingSecrets: () => Promise<string | undefined>;
}

export type Submitted =
  | {
      readonly kind: 'accepted';
      readonly id: string;
      /** As it was stored just now. Absent if the key stood for this generation already. */
      readonly stored?: WholeGeneration;
    }
  | { readonly kind: 'dryRun'; readonly answer: DryRun };

/**
 * Accepts a request and starts it, or only says what would become of it (`"dryRun": true`).
 * @param body - The parsed JSON.
 * @throws {RequestError} With everything that is wrong; nothing was stored.
 */
export async function submitRequest(deps: SubmitRequestDeps, body: unknown): Promise<Submitted> {
  const { isDryRun, read } = readSubmission(body, deps.rules);
  if (isDryRun) {
    requireSecrets(await deps.missingSecrets());
    const { dryRun } = await import('./dry-run.ts');
    return { kind: 'dryRun', answer: await dryRun(deps, read) };
  }
  const [first, ...more] = await findAllProblems(deps, read);
  if (first !== undefined) throw RequestError.ofAll([first, ...more]);
  const checked = await checkRequest(deps, read.request, { origin: 'api' });
  // Asking Wiro for a schema takes the secrets, and its answer is kept for minutes only. So a known schema shows that they
  // are there, and SSM is not asked. A repeated request gets its record even without them.
  if (checked.kind === 'new' && checked.checked.request.schemaUnchecked)
    requireSecrets(await deps.missingSecrets());
  const now = timestamp(deps.clock());
  const generation =
    checked.kind === 'existing' ? checked.generation : await acceptChecked(deps, checked.checked, '', now);
  if (generation.status === 'queued') {
    await deps
      .submit(generation.id)
      .catch(logIgnored('reconcile submits what is due', { generationId: generation.id }));
  }
  const { id } = generation;
  // The same request may have been accepted by another invocation since it was checked.
  if (checked.kind === 'existing' || generation.createdAt !== now) return { kind: 'accepted', id };
  const { request } = checked.checked;
  return {
    kind: 'accepted',
    id,
    stored: { generation, request, outputs: [], pastAttempts: [], notes: {}, hints: [] },
  };
}

function readSubmission(
  body: unknown,
  rules: SourceRules,
): { readonly isDryRun: boolean; readonly read: ReadRequest } {
  if (!isRecord(body)) return { isDryRun: false, read: readRequest(body, rules) };
  const { dryRun: wanted = false, ...rest } = body;
  const read = readRequest(rest, rules);
  if (typeof wanted === 'boolean') return { isDryRun: wanted, read };
  const problems = gatherProblems();
  problems.check(() => {
    throw new RequestError('invalid_parameter', 'dryRun must be true or false.', 'dryRun');
  });
  return { isDryRun: false, read: { ...read, problems: [...problems.list(), ...read.problems] } };
}
