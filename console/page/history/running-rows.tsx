import { useEffect, useState } from 'preact/hooks';
import type { GenerationRow, Status } from '../../../client/index.ts';
import { client } from '../client.ts';
import { describeError } from '../ui/describe-error.ts';
import { count } from '../ui/format.ts';
import { WindowedRows } from './windowed-rows.tsx';

const RUNNING: readonly Status[] = ['queued', 'submitting', 'running', 'collecting'];
/** A generation waits at most seven days by default, and runs for at most one. */
const BACK_MS = 9 * 86_400_000;
const MOST_OF_EACH = 100;
/** A look reads the whole time by the status's filter: seldom enough to cost little. */
const EVERY_MS = 15_000;

/** What has not ended yet, read anew while it is looked at. */
export function RunningRows() {
  const [{ rows, isCut }, setRunning] = useState<Partial<Running>>({});
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const look = async () => {
      try {
        if (!document.hidden) setRunning(await readRunning(leaving.signal));
        setFailure(undefined);
      } catch (error) {
        if (leaving.signal.aborted) return;
        setFailure(describeError(error));
      }
      if (!leaving.signal.aborted) timer = setTimeout(look, EVERY_MS);
    };
    void look();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, []);
  return (
    <>
      {failure !== undefined && (
        <p class="notice bad" role="alert">
          {failure}
        </p>
      )}
      <p class="quiet" role="status">
        {rows === undefined
          ? 'Reading…'
          : rows.length === 0
            ? 'Nothing runs or waits.'
            : `${isCut ? 'At least ' : ''}${count(rows.length, 'generation')} run or wait, the latest first. Read anew every ${EVERY_MS / 1_000} seconds.`}
      </p>
      <WindowedRows rows={rows ?? []} isWhole onEnd={() => {}} />
    </>
  );
}

interface Running {
  readonly rows: readonly GenerationRow[];
  /** Whether there may be more. */
  readonly isCut: boolean;
}

async function readRunning(signal: AbortSignal): Promise<Running> {
  const from = new Date(Date.now() - BACK_MS);
  const lists = await Promise.all(
    RUNNING.map(async (status) => {
      const rows: GenerationRow[] = [];
      for await (const row of client.list({ status, from, pageSize: MOST_OF_EACH, signal })) {
        rows.push(row);
        if (rows.length === MOST_OF_EACH) break;
      }
      return rows;
    }),
  );
  // One that moves on between two lists is in both.
  const byId = new Map(lists.flat().map((row) => [row.id, row]));
  const rows = [...byId.values()].sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
  return { rows, isCut: lists.some(({ length }) => length === MOST_OF_EACH) };
}
