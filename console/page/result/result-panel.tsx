import { useEffect, useState } from 'preact/hooks';
import { type Generation, hasEnded } from '../../../client/index.ts';
import { generationPath } from '../router.ts';
import { formatTime, formatUsd } from '../ui/format.ts';
import { StatusBadge } from '../ui/status.tsx';
import { Actions } from './actions.tsx';
import { DebugLog } from './debug-log.tsx';
import { useFollowed } from './follow.ts';
import { Inputs } from './inputs.tsx';
import { Outputs } from './outputs.tsx';
import { Progress } from './progress.tsx';

interface ResultPanelProps {
  readonly id: string;
  /** Whether it is on a page of its own. @default false */
  readonly isWhole?: boolean;
  /** Called with the record whenever it was read. */
  readonly onRecord?: (record: Generation) => void;
}

/** A generation as it goes on, and its results. */
export function ResultPanel({ id, isWhole = false, onRecord }: ResultPanelProps) {
  const [round, setRound] = useState(0);
  const { record, progress, isLive, failure } = useFollowed(id, round);
  useEffect(() => record && onRecord?.(record), [record]);
  return (
    <div class="panel" data-status={record?.status}>
      {failure !== undefined && (
        <p class="notice bad" role="alert">
          {failure}
        </p>
      )}
      {record === undefined ? (
        failure === undefined && <p class="quiet">Loading…</p>
      ) : (
        <>
          <p class="headline" role="status">
            <StatusBadge status={record.status} /> <CostText record={record} />
            {!isWhole && (
              <a class="id" href={`#${generationPath(id)}`}>
                {id}
              </a>
            )}
          </p>
          {record.error && (
            <p class="notice bad">
              <strong>{record.error.code}</strong>: {record.error.message}
            </p>
          )}
          {!hasEnded(record) && (
            <Progress record={record} progress={progress} isLive={isLive} isRead={failure === undefined} />
          )}
          <Actions record={record} onChange={() => setRound(round + 1)} />
          <div class="sides">
            <Inputs record={record} />
            <Outputs record={record} segments={progress.segments} />
          </div>
          <DebugLog progress={progress} />
        </>
      )}
    </div>
  );
}

function CostText({ record }: { readonly record: Generation }) {
  const { costUsd, priceUsd, priceCertainty, elapsedSeconds, endedAt, createdAt } = record;
  const when = endedAt === undefined ? `since ${formatTime(createdAt)}` : formatTime(endedAt);
  const took = elapsedSeconds === undefined ? '' : `, ran ${elapsedSeconds} s`;
  if (costUsd !== undefined)
    return (
      <span>
        cost <strong>{formatUsd(costUsd)}</strong>
        {took}, {when}
      </span>
    );
  if (priceUsd !== undefined && !hasEnded(record))
    return (
      <span>
        will cost {priceCertainty === 'exact' ? '' : 'about '}
        {formatUsd(priceUsd)} if it succeeds, {when}
      </span>
    );
  return <span>{when}</span>;
}
