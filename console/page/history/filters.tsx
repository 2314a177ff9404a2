import { useState } from 'preact/hooks';
import { go } from '../router.ts';

const STATUSES = ['queued', 'submitting', 'running', 'collecting', 'succeeded', 'failed', 'cancelled'];
const ORIGINS = ['api', 's3', 'event'];

/** The filters of the API. They stand in the address, so a reload and a bookmark keep them. */
export function Filters({ filters }: { readonly filters: URLSearchParams }) {
  const [model, setModel] = useState(filters.get('model') ?? '');
  const [label, setLabel] = useState(labelIn(filters));
  const set = (changed: Readonly<Record<string, string>>) => {
    const next = new URLSearchParams(filters);
    for (const [name, value] of Object.entries(changed)) {
      if (value === '') next.delete(name);
      else next.set(name, value);
    }
    go(`/history/models${next.size > 0 ? `?${next}` : ''}`);
  };
  const setLabels = () => {
    const next = new URLSearchParams([...filters].filter(([name]) => !name.startsWith('label.')));
    const [, name, value] = /^\s*([^=]+?)\s*=\s*(.*?)\s*$/.exec(label) ?? [];
    if (name !== undefined && value !== undefined) next.set(`label.${name}`, value);
    go(`/history/models${next.size > 0 ? `?${next}` : ''}`);
  };
  return (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
        set({ model: model.trim() });
      }}
    >
      <Choice title="Status" name="status" options={STATUSES} filters={filters} set={set} />
      <label>
        <span class="label">Model</span>
        <input
          value={model}
          placeholder="owner/project"
          onInput={({ currentTarget }) => setModel(currentTarget.value)}
          onBlur={() => model.trim() !== (filters.get('model') ?? '') && set({ model: model.trim() })}
        />
      </label>
      <Choice title="Origin" name="origin" options={ORIGINS} filters={filters} set={set} />
      <label>
        <span class="label">Label</span>
        <input
          value={label}
          placeholder="name=value"
          onInput={({ currentTarget }) => setLabel(currentTarget.value)}
          onBlur={() => label !== labelIn(filters) && setLabels()}
        />
      </label>
      <Day title="From" name="from" filters={filters} set={set} />
      <Day title="Before" name="to" filters={filters} set={set} />
      {filters.size > 0 && (
        <a class="button" href="#/history/models">
          Clear
        </a>
      )}
      <button type="submit" hidden>
        Filter
      </button>
    </form>
  );
}

interface FilterProps {
  readonly title: string;
  readonly name: string;
  readonly filters: URLSearchParams;
  readonly set: (changed: Readonly<Record<string, string>>) => void;
}

function Choice({
  title,
  name,
  options,
  filters,
  set,
}: FilterProps & { readonly options: readonly string[] }) {
  return (
    <label>
      <span class="label">{title}</span>
      <select
        value={filters.get(name) ?? ''}
        onChange={({ currentTarget }) => set({ [name]: currentTarget.value })}
      >
        <option value="">all</option>
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
  );
}

export function Day({ title, name, filters, set }: FilterProps) {
  return (
    <label>
      <span class="label">{title}</span>
      <input
        type="date"
        value={filters.get(name) ?? ''}
        onChange={({ currentTarget }) => set({ [name]: currentTarget.value })}
      />
    </label>
  );
}

function labelIn(filters: URLSearchParams): string {
  const [found] = [...filters].filter(([name]) => name.startsWith('label.'));
  return found === undefined ? '' : `${found[0].slice('label.'.length)}=${found[1]}`;
}
