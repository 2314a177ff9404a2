import type { Usage } from '../../../client/index.ts';
import { client } from '../client.ts';
import { Day } from '../history/filters.tsx';
import { go } from '../router.ts';
import { count, formatUsd } from '../ui/format.ts';
import { WhenLoaded } from '../ui/loading.tsx';
import { useLoad } from '../ui/use-load.ts';
import { byDayAndModel } from './by-day.ts';
import { Plot } from './plot.tsx';

/** What the deployment's generations cost, by day and model. */
export function UsageView({ filters }: { readonly filters: URLSearchParams }) {
  const from = filters.get('from') ?? undefined;
  const to = filters.get('to') ?? undefined;
  const loaded = useLoad(
    (signal) => client.usage({ ...(from && { from }), ...(to && { to }), signal }),
    `${from} ${to}`,
  );
  const set = (changed: Readonly<Record<string, string>>) => {
    const next = new URLSearchParams(filters);
    for (const [name, value] of Object.entries(changed)) {
      if (value === '') next.delete(name);
      else next.set(name, value);
    }
    go(`/usage${next.size > 0 ? `?${next}` : ''}`);
  };
  return (
    <div class="page">
      <h1>Usage</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <Day title="From" name="from" filters={filters} set={set} />
        <Day title="To" name="to" filters={filters} set={set} />
      </form>
      <WhenLoaded loaded={loaded}>{(usage) => <UsageShown usage={usage} />}</WhenLoaded>
    </div>
  );
}

function UsageShown({ usage }: { readonly usage: Omit<Usage, 'cursor'> }) {
  const { days, models } = byDayAndModel(usage);
  const total = models.reduce((sum, { costUsd }) => sum + costUsd, 0);
  const unknown = models.reduce((sum, { costUnknown }) => sum + costUnknown, 0);
  if (models.length === 0)
    return (
      <p class="quiet" role="status">
        Nothing ended from {usage.from} to {usage.to}.
      </p>
    );
  return (
    <>
      <p role="status">
        <strong>{formatUsd(total)}</strong> from {usage.from} to {usage.to}
        {unknown > 0 && `, and what ${count(unknown, 'generation')} may have cost that Wiro does not tell`}.
      </p>
      <Plot days={days} models={models.map(({ model }) => model)} />
      <table>
        <caption>By model</caption>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Succeeded</th>
            <th scope="col">Failed</th>
            <th scope="col">Cancelled</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody>
          {models.map(({ model, succeeded, failed, cancelled, costUsd }, index) => (
            <tr key={model}>
              <th scope="row">
                <span class={`key series-${index % 6}`} /> {model}
              </th>
              <td>{succeeded}</td>
              <td>{failed}</td>
              <td>{cancelled}</td>
              <td>{formatUsd(costUsd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
