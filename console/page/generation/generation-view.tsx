import { client } from '../client.ts';
import { ResultPanel } from '../result/result-panel.tsx';
import { WhenLoaded } from '../ui/loading.tsx';
import { TextBox } from '../ui/text-box.tsx';
import { useLoad } from '../ui/use-load.ts';

/** One generation: its results, what happened to it and its record. */
export function GenerationView({ id }: { readonly id: string }) {
  return (
    <div class="page">
      <p class="quiet">
        <a href="#/history/models">History</a>
      </p>
      <h1 class="id">{id}</h1>
      <ResultPanel id={id} isWhole />
      <RecordView id={id} />
    </div>
  );
}

function RecordView({ id }: { readonly id: string }) {
  const loaded = useLoad((signal) => client.get(id, { signal }), id);
  return (
    <details>
      <summary>Record</summary>
      <WhenLoaded loaded={loaded}>
        {({ progress: _, ...record }) => (
          <TextBox label="Record" text={JSON.stringify(record, undefined, 2)} />
        )}
      </WhenLoaded>
    </details>
  );
}
