import type { Timeline } from '../../../client/index.ts';
import { client } from '../client.ts';
import { count, formatDuration, formatTime } from '../ui/format.ts';
import { WhenLoaded } from '../ui/loading.tsx';
import { useLoad } from '../ui/use-load.ts';

type Entry = Timeline['entries'][number];

/** What happened to a generation, in its order. It is read again when the record changes. */
export function TimelineView({ id, version }: { readonly id: string; readonly version: string }) {
  const loaded = useLoad((signal) => client.timeline(id, { signal }), `${id} ${version}`);
  return (
    <section aria-label="Timeline">
      <h2>Timeline</h2>
      <WhenLoaded loaded={loaded}>
        {({ entries, truncated }) => (
          <>
            <ol class="timeline">
              {entries.map((entry, index) => (
                <li key={`${index}-${entry.at}`}>
                  <time dateTime={entry.at} title={entry.at}>
                    {formatTime(entry.at)}
                  </time>
                  <span class="after">{sinceBefore(entries, index)}</span>
                  <span>
                    {entry.attempt > 1 && `attempt ${entry.attempt}: `}
                    {MEANING[entry.what] ?? entry.what}
                    {entry.code !== undefined && <code> {entry.code}</code>}
                    {entry.taskId !== undefined && `, task ${entry.taskId}`}
                    {entry.outputs !== undefined && `: ${count(entry.outputs, 'file')}`}
                    {entry.message !== undefined && <span class="quiet"> {entry.message}</span>}
                  </span>
                </li>
              ))}
            </ol>
            {truncated !== undefined && (
              <p class="quiet">{count(truncated, 'further entry', 'further entries')}.</p>
            )}
          </>
        )}
      </WhenLoaded>
    </section>
  );
}

/** Where the time went: the pause before each step. */
function sinceBefore(entries: readonly Entry[], index: number): string {
  const before = entries[index - 1];
  const entry = entries[index];
  if (before === undefined || entry === undefined) return '';
  const ms = Date.parse(entry.at) - Date.parse(before.at);
  return `+${ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : formatDuration(ms)}`;
}

const MEANING: Readonly<Record<Entry['what'], string>> = {
  accepted: 'accepted',
  line: 'joined the line for a slot at Wiro',
  run: 'the Run was sent to Wiro',
  search: 'the task of a Run without an answer was looked for, and not found',
  callback: 'a signed callback came',
  look: 'Wiro was asked, and it goes on',
  try: 'a step failed, and is tried again',
  cancel: 'cancellation was requested',
  copy: 'the outputs are in the bucket',
  end: 'the attempt ended',
  announced: 'its event and files are out',
};
