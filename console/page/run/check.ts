import { useEffect, useState } from 'preact/hooks';
import type { DryRun, Submission } from '../../../client/index.ts';
import { client } from '../client.ts';
import { describeError } from '../ui/describe-error.ts';

/** What the deployment says about the form as it stands. */
export interface Check {
  readonly isChecking: boolean;
  /** The latest answer, which may be about the form as it was. */
  readonly answer?: DryRun;
  /** Why it could not be checked. */
  readonly failure?: string;
}

const PAUSE_MS = 400;

/** Checks and prices a request when it has stood for a moment. Nothing is stored or run. */
export function useCheck(request: Submission | undefined, isUploading: boolean): Check {
  const [check, setCheck] = useState<Check>({ isChecking: true });
  const key = request === undefined || isUploading ? '' : JSON.stringify(request);
  useEffect(() => {
    if (key === '') return setCheck(({ answer }) => ({ isChecking: false, ...(answer && { answer }) }));
    const leaving = new AbortController();
    setCheck((before) => ({ ...before, isChecking: true }));
    const timer = setTimeout(async () => {
      const found = await client
        .price(JSON.parse(key) as Submission, { signal: leaving.signal })
        .then((answer): Check => ({ isChecking: false, answer }))
        .catch((error: unknown): Check => ({ isChecking: false, failure: describeError(error) }));
      if (!leaving.signal.aborted) setCheck(found);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [key]);
  return check;
}
