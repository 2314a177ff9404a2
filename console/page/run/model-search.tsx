import { useEffect, useRef, useState } from 'preact/hooks';
import type { ModelRow } from '../../../client/index.ts';
import { client } from '../client.ts';
import { runPath } from '../router.ts';
import { WhenLoaded } from '../ui/loading.tsx';
import { useLoad } from '../ui/use-load.ts';
import { PriceText } from './price-text.tsx';

const SHOWN = 48;
const PAUSE_MS = 250;

/** Finds a model to run. */
export function ModelSearch() {
  const [words, setWords] = useState('');
  const [search, setSearch] = useState('');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const found = useLoad((signal) => listSome(search, signal), search);
  const change = (text: string) => {
    setWords(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSearch(text.trim()), PAUSE_MS);
  };
  return (
    <div class="page">
      <h1>Run a model</h1>
      <label class="field">
        <span class="label">Search models</span>
        <input
          type="search"
          value={words}
          placeholder="story maker, video, openai…"
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => change(event.currentTarget.value)}
        />
      </label>
      <WhenLoaded loaded={found}>
        {(models) => (
          <>
            <p class="quiet" role="status">
              {models.length === 0
                ? 'No model has these words. To run one that is not listed, open #/run/owner/project.'
                : models.length === SHOWN
                  ? `The first ${SHOWN} models: add words to find others.`
                  : `${models.length} found`}
            </p>
            <ul class="cards">
              {models.map((model) => (
                <li key={model.name}>
                  <ModelCard {...model} />
                </li>
              ))}
            </ul>
          </>
        )}
      </WhenLoaded>
    </div>
  );
}

function ModelCard({ name, title, description, kind, price }: ModelRow) {
  return (
    <a class="card" href={`#${runPath(name)}`}>
      <strong>{title ?? name}</strong>
      <span class="name">{name}</span>
      {description !== undefined && <span class="description">{description}</span>}
      <span class="facts">
        {kind !== 'plain' && <span class="badge">{kind}</span>}
        {price && <PriceText price={price} />}
      </span>
    </a>
  );
}

async function listSome(search: string, signal: AbortSignal): Promise<readonly ModelRow[]> {
  const rows: ModelRow[] = [];
  for await (const row of client.models({ ...(search !== '' && { search }), pageSize: SHOWN, signal })) {
    rows.push(row);
    if (rows.length === SHOWN) break;
  }
  return rows;
}
