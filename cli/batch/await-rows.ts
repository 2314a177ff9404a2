import {
  type Client,
  type Generation,
  hasEnded,
  type Status,
  WiroServerlessError,
} from '../../client/index.ts';
import { mapLimited } from '../../functions/runtime/map-limited.ts';
import type { Accepted } from './journal.ts';

export interface AwaitDeps {
  readonly client: Pick<Client, 'list' | 'get'>;
  readonly signal: AbortSignal;
  /** Called once for each that has ended, some at once. */
  readonly onEnd: (row: Accepted, generation: Generation) => Promise<void>;
  /** Called for one that the deployment does not have any more. */
  readonly onGone: (row: Accepted) => void;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

const AT_ONCE = 4;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** Waits until all rows have ended. Reads lists, so that hundreds cost a few requests a look. */
export async function awaitRows(deps: AwaitDeps, rows: readonly Accepted[]): Promise<void> {
  const { client, signal } = deps;
  const pending = new Map(rows.map((row) => [row.id, row]));
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    const statuses = await readStatuses(deps, pending);
    const ended = [...pending.values()].filter(({ id }) => {
      const status = statuses.get(id);
      // One that the list does not show is asked for by itself.
      return status === undefined || hasEnded({ status });
    });
    await mapLimited(ended, AT_ONCE, async (row) => {
      const generation = await client.get(row.id, { signal }).catch((error: unknown) => {
        if (error instanceof WiroServerlessError && error.code === 'not_found') return undefined;
        throw error;
      });
      if (generation === undefined) deps.onGone(row);
      else if (!hasEnded(generation)) return;
      else await deps.onEnd(row, generation);
      pending.delete(row.id);
    });
    if (pending.size === 0) return;
    await deps.pause(pauseMs, signal);
  }
}

/** Lists from the newest until all that are pending were seen. */
async function readStatuses(
  { client, signal }: AwaitDeps,
  pending: ReadonlyMap<string, Accepted>,
): Promise<ReadonlyMap<string, Status>> {
  const statuses = new Map<string, Status>();
  if (pending.size === 0) return statuses;
  const from = [...pending.values()]
    .map(({ createdAt }) => createdAt)
    .reduce((one, other) => (one < other ? one : other));
  for await (const { id, status } of client.list({ from, pageSize: Math.min(100, pending.size), signal })) {
    if (pending.has(id)) statuses.set(id, status);
    if (statuses.size === pending.size) break;
  }
  return statuses;
}
