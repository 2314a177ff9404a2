import { useState } from 'preact/hooks';
import { type Generation, hasEnded, WiroServerlessError } from '../../../client/index.ts';
import { client } from '../client.ts';
import { runPath } from '../router.ts';
import { describeError } from '../ui/describe-error.ts';

interface ActionsProps {
  readonly record: Generation;
  /** Called when the generation goes on. */
  readonly onChange: () => void;
}

/** What can be done with a generation as it stands. */
export function Actions({ record, onChange }: ActionsProps) {
  const [isBusy, setBusy] = useState(false);
  const [message, setMessage] = useState<string>();
  const [mayForce, setMayForce] = useState(false);
  const { id, model, status, cancelRequestedAt } = record;
  const mayRetry = status === 'failed' || status === 'cancelled';

  async function act(call: () => Promise<Generation>) {
    setBusy(true);
    setMessage(undefined);
    setMayForce(false);
    try {
      await call();
      onChange();
    } catch (error) {
      setMessage(describeError(error));
      // It is not as this tab shows it: another one may have acted.
      if (error instanceof WiroServerlessError && error.status === 409) onChange();
      setMayForce(error instanceof WiroServerlessError && error.field === 'force');
    } finally {
      setBusy(false);
    }
  }

  return (
    <div class="actions">
      {!hasEnded(record) && (
        <button
          type="button"
          disabled={isBusy || cancelRequestedAt !== undefined}
          onClick={() => act(() => client.cancel(id))}
        >
          Cancel
        </button>
      )}
      {mayRetry && (
        <button type="button" disabled={isBusy} onClick={() => act(() => client.retry(id))}>
          Retry
        </button>
      )}
      {mayRetry && mayForce && (
        <button type="button" disabled={isBusy} onClick={() => act(() => client.retry(id, { force: true }))}>
          Retry all the same (may be charged again)
        </button>
      )}
      <a class="button" href={`#${runPath(model, id)}`}>
        Again with changes
      </a>
      {message !== undefined && (
        <p class="problem" role="alert">
          {message}
        </p>
      )}
    </div>
  );
}
