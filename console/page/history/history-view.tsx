import type { HistoryTab } from '../router.ts';
import { Filters } from './filters.tsx';
import { ListRows } from './list-rows.tsx';
import { RunningRows } from './running-rows.tsx';

interface HistoryViewProps {
  readonly tab: HistoryTab;
  readonly filters: URLSearchParams;
}

const TABS: readonly { readonly tab: HistoryTab; readonly title: string }[] = [
  { tab: 'runnings', title: 'Runnings' },
  { tab: 'models', title: 'Models' },
  { tab: 'trains', title: 'Trains' },
];

/** What has run, as on Wiro's own page. */
export function HistoryView({ tab, filters }: HistoryViewProps) {
  return (
    <div class="page">
      <h1>Task history</h1>
      <nav class="tabs" aria-label="History">
        {TABS.map(({ tab: one, title }) => (
          <a key={one} href={`#/history/${one}`} aria-current={one === tab ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      {tab === 'runnings' && <RunningRows />}
      {tab === 'models' && (
        <>
          <Filters filters={filters} />
          <ListRows key={filters.toString()} filters={filters} />
        </>
      )}
      {tab === 'trains' && (
        <p class="notice">
          Trainings are not run here: they make another model at Wiro, not files to keep. A deployment that
          allows them (its setting furtherModelKinds) lists them under Models; everything else about them is
          on Wiro's own page.
        </p>
      )}
    </div>
  );
}
