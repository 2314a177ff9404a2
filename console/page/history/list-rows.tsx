import { useEffect, useRef, useState } from 'preact/hooks';
import type { GenerationRow } from '../../../client/index.ts';
import { client } from '../client.ts';
import { describeError } from '../ui/describe-error.ts';
import { count } from '../ui/format.ts';
import { listOptions } from './list-options.ts';
import { WindowedRows } from './windowed-rows.tsx';

const PAGE = 100;

type State = 'reading' | 'more' | 'end';

/** The list of the API, read as far as it is scrolled. */
export function ListRows({ filters }: { readonly filters: URLSearchParams }) {
  const [rows, setRows] = useState<readonly GenerationRow[]>([]);
  const [state, setState] = useState<State>('reading');
  const [failure, setFailure] = useState<string>();
  const reading = useRef<ReturnType<typeof readPages>>(undefined);
  const leaving = useRef(new AbortController());

  async function readMore() {
    setState('reading');
    reading.current ??= readPages(filters, leaving.current.signal);
    try {
      const { page, isEnd } = await reading.current();
      if (leaving.current.signal.aborted) return;
      setRows((before) => [...before, ...page]);
      setState(isEnd ? 'end' : 'more');
      setFailure(undefined);
    } catch (error) {
      if (leaving.current.signal.aborted) return;
      // A generator that threw is over, so the next try starts anew.
      reading.current = undefined;
      setRows([]);
      setState('more');
      setFailure(describeError(error));
    }
  }

  useEffect(() => {
    leaving.current = new AbortController();
    void readMore();
    return () => leaving.current.abort();
  }, []);

  return (
    <>
      {failure !== undefined && (
        <p class="notice bad" role="alert">
          {failure}{' '}
          <button type="button" onClick={readMore}>
            Try again
          </button>
        </p>
      )}
      <p class="quiet" role="status">
        {failure === undefined && sentenceOf(rows.length, state)}
      </p>
      <WindowedRows
        rows={rows}
        isWhole={state === 'end'}
        onEnd={() => {
          if (state === 'more' && failure === undefined) void readMore();
        }}
      />
    </>
  );
}

function sentenceOf(rows: number, state: State): string {
  if (rows === 0 && state === 'reading') return 'Reading…';
  if (rows === 0 && state === 'end') return "You don't have a task yet: run a model, or change the filters.";
  return `${count(rows, 'generation')}${state === 'end' ? '' : ' so far'}${state === 'reading' ? ', reading…' : ''}`;
}

/** Reads page after page of the client's list. */
function readPages(filters: URLSearchParams, signal: AbortSignal) {
  const rows = client.list({ ...listOptions(filters), pageSize: PAGE, signal });
  return async (): Promise<{ readonly page: readonly GenerationRow[]; readonly isEnd: boolean }> => {
    const page: GenerationRow[] = [];
    while (page.length < PAGE) {
      const next = await rows.next();
      if (next.done === true) return { page, isEnd: true };
      page.push(next.value);
    }
    return { page, isEnd: false };
  };
}
