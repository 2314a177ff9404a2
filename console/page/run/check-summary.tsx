import type { Problem, Warning } from '../../../client/index.ts';
import { count } from '../ui/format.ts';
import type { Check } from './check.ts';
import { PriceText } from './price-text.tsx';

interface CheckSummaryProps {
  readonly check: Check;
  readonly isTried: boolean;
  readonly problems: readonly Problem[];
  /** Problems that no field stands for. */
  readonly elsewhere: readonly Problem[];
  readonly warnings: readonly Warning[];
}

/** The price before it costs, and what stands in the way. */
export function CheckSummary({ check, isTried, problems, elsewhere, warnings }: CheckSummaryProps) {
  const { answer, failure, isChecking } = check;
  const price = answer?.price;
  return (
    <div class="check">
      <p role="status" aria-busy={isChecking}>
        {failure !== undefined ? (
          <>Not checked: {failure}</>
        ) : price === undefined ? (
          isChecking ? (
            'Checking…'
          ) : (
            'The price stands here once the form can be checked.'
          )
        ) : (
          <>
            <strong>
              {price.usd === undefined ? 'The ' : 'Costs '}
              <PriceText price={price} />
            </strong>
            {price.note === undefined ? '.' : `: ${price.note}.`}
            {(answer?.ahead ?? 0) > 0 &&
              ` ${count(answer?.ahead ?? 0, 'generation')} wait in line before it.`}
            {answer?.repeats !== undefined &&
              ' Its idempotency key stands for a generation already: Run shows that one, and costs nothing.'}
            {answer?.schemaUnchecked && ' Wiro did not answer, so the parameters are not checked.'}
            {isTried && problems.length > 0 && ` ${count(problems.length, 'problem')} to mend first.`}
          </>
        )}
      </p>
      {(isTried ? elsewhere : elsewhere.filter(({ field }) => field === undefined)).map(
        ({ message, field }) => (
          <p key={`${field}${message}`} class="problem" role="alert">
            {message}
          </p>
        ),
      )}
      {warnings
        .filter(({ code }) => code !== 'unknown_parameter')
        .map(({ message }) => (
          <p key={message} class="warning">
            {message}
          </p>
        ))}
    </div>
  );
}
