import { useState } from 'preact/hooks';
import type { Generation } from '../../../client/index.ts';
import { ResultPanel } from '../result/result-panel.tsx';
import { TextBox } from '../ui/text-box.tsx';
import { TimelineView } from './timeline-view.tsx';

/** One generation: its results, what happened to it and its record. */
export function GenerationView({ id }: { readonly id: string }) {
  const [record, setRecord] = useState<Generation>();
  return (
    <div class="page">
      <p class="quiet">
        <a href="#/history/models">History</a>
      </p>
      <h1>{record?.model ?? 'Generation'}</h1>
      <p class="quiet id">{id}</p>
      <ResultPanel id={id} isWhole onRecord={setRecord} />
      {record && (
        <>
          <Parameters record={record} />
          <TimelineView id={id} version={record.updatedAt} />
          <RecordView record={record} />
        </>
      )}
    </div>
  );
}

function Parameters({ record: { parameters, labels } }: { readonly record: Generation }) {
  const entries = [
    ...Object.entries(parameters).map(([name, value]) => [name, textOf(value)] as const),
    ...Object.entries(labels ?? {}).map(([name, value]) => [`label ${name}`, value] as const),
  ];
  if (entries.length === 0) return null;
  return (
    <section aria-label="Parameters">
      <h2>Parameters</h2>
      <dl class="parameters">
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const textOf = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value));

function RecordView({ record: { progress: _, ...record } }: { readonly record: Generation }) {
  return (
    <details>
      <summary>Record</summary>
      <TextBox label="Record" text={JSON.stringify(record, undefined, 2)} />
    </details>
  );
}
