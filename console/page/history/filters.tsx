import { useEffect, useState } from 'preact/hooks';
import { go } from '../router.ts';
import { labelsIn, readLabels } from './label-filter.ts';

const STATUSES = ['queued', 'submitting', 'running', 'collecting', 'succeeded', 'failed', 'cancelled'];
const ORIGINS = ['api', 's3', 'event'];

/** The filters of the API. They stand in the address, so a reload and a bookmark keep them. */
export function Filters({ filters }: { readonly filters: URLSearchParams }) {
  const [model, setModel] = useState(filters.get('model') ?? '');
  const [label, setLabel] = useState(labelsIn(filters));
  // The address also changes without these fields.
  useEffect(() => {
    setModel(filters.get('model') ?? '');
    setLabel(labelsIn(filters));
  }, [filters]);
  const set = (changed: Readonly<Record<string, string>>) => {
    const next = new URLSearchParams(filters);
    for (const [name, value] of Object.entries(changed)) {
      if (value === '') next.delete(name);
      else next.set(name, value);
    }
    go(`/history/models${next.size > 0 ? `?${next}` : ''}`);
  };
  const given = readLabels(label);
  const setLabels = () => {
    if (given === undefined) return;
    const others = [...filters].filter(([name]) => !name.startsWith('label.'));
    const next = new URLSearchParams([...others, ...given.map(([name, value]) => [`label.${name}`, value])]);
    go(`/history/models${next.size > 0 ? `?${next}` : ''}`);
  };
  return (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
        if (label !== labelsIn(filters)) setLabels();
        else set({ model: model.trim() });
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
        <span class="label">Labels</span>
        <input
          value={label}
          placeholder="name=value, …"
          aria-invalid={given === undefined}
          aria-describedby="label-problem"
          onInput={({ currentTarget }) => setLabel(currentTarget.value)}
          onBlur={() => label !== labelsIn(filters) && setLabels()}
        />
        <span id="label-problem" class="problem">
          {given === undefined && 'Write name=value'}
        </span>
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
