import { useState } from 'preact/hooks';
import type { Generation, Model } from '../../../client/index.ts';
import { client } from '../client.ts';
import { ResultPanel } from '../result/result-panel.tsx';
import { WhenLoaded } from '../ui/loading.tsx';
import { useLoad } from '../ui/use-load.ts';
import { RunForm } from './run-form.tsx';

/** The form of a model and, once it ran, the generation beside it. The address names both, so a reload keeps them. */
export function RunView({ model: name, id }: { readonly model: string; readonly id?: string | undefined }) {
  const model = useLoad((signal) => client.model(name, { signal }), name);
  return (
    <div class="page">
      <p class="quiet">
        <a href="#/run">All models</a>
      </p>
      <WhenLoaded loaded={model}>{(loaded) => <Run model={loaded} id={id} />}</WhenLoaded>
    </div>
  );
}

function Run({ model, id }: { readonly model: Model; readonly id?: string | undefined }) {
  // Only what the page was opened with fills the form: what runs from it is in it already.
  const [openedWith] = useState(id);
  const source = useLoad((signal) => readSource(openedWith, model, signal), model.name);
  return (
    <>
      <h1>{model.title ?? model.name}</h1>
      <p class="quiet">
        <code>{model.name}</code> {model.description}
      </p>
      {model.kind !== 'plain' && (
        <p class="notice">
          This is a {model.kind} model: a deployment runs it only if its settings allow that.
        </p>
      )}
      <div class="columns">
        <WhenLoaded loaded={source}>{(from) => <RunForm model={model} from={from} />}</WhenLoaded>
        <section class="result" aria-label="Result">
          {id === undefined ? (
            <p class="quiet empty">The result appears here.</p>
          ) : (
            <ResultPanel key={id} id={id} />
          )}
        </section>
      </div>
    </>
  );
}

async function readSource(
  id: string | undefined,
  model: Model,
  signal: AbortSignal,
): Promise<Generation | undefined> {
  if (id === undefined) return undefined;
  const generation = await client.get(id, { signal });
  return generation.model === model.name ? generation : undefined;
}
