import { useRef, useState } from 'preact/hooks';
import type { Generation, Model } from '../../../client/index.ts';
import { client } from '../client.ts';
import { ResultPanel } from '../result/result-panel.tsx';
import { WhenLoaded } from '../ui/loading.tsx';
import { useLoad } from '../ui/use-load.ts';
import { readForm, startForm, withInputsOf } from './form-model.ts';
import { RunForm } from './run-form.tsx';
import { Samples } from './samples.tsx';

interface RunViewProps {
  readonly model: string;
  readonly id?: string | undefined;
}

/** The form of a model and, once it ran, the generation beside it. The address names both, so a reload keeps them. */
export function RunView({ model: name, id }: RunViewProps) {
  const model = useLoad((signal) => client.model(name, { signal }), name);
  // Only what the page was opened with fills the form: what runs from it is in it already.
  const [openedWith] = useState(id);
  const source = useLoad((signal) => readSource(openedWith, name, signal), name);
  return (
    <div class="page">
      <p class="quiet">
        <a href="#/run">All models</a>
      </p>
      <WhenLoaded loaded={model}>
        {(loaded) => (
          <>
            <Heading model={loaded} />
            <WhenLoaded loaded={source}>{(from) => <Run model={loaded} from={from} id={id} />}</WhenLoaded>
          </>
        )}
      </WhenLoaded>
    </div>
  );
}

function Heading({ model: { name, title, description, kind } }: { readonly model: Model }) {
  return (
    <>
      <h1>{title ?? name}</h1>
      <p class="quiet">
        <code>{name}</code>
        {description !== undefined && `: ${description}`}
      </p>
      {kind !== 'plain' && (
        <p class="notice">
          This is a {kind} model: a deployment runs it only if its settings allow that (furtherModelKinds).
        </p>
      )}
    </>
  );
}

interface RunProps {
  readonly model: Model;
  readonly from: Generation | undefined;
  readonly id: string | undefined;
}

function Run({ model: listed, from, id }: RunProps) {
  const [model] = useState(() => withInputsOf(listed, from));
  const [form, setForm] = useState(() => startForm(model, from));
  const [side, setSide] = useState<'result' | 'samples'>('result');
  const read = readForm(model, form);
  const section = useRef<HTMLElement>(null);
  const showResult = () => {
    setSide('result');
    // In a narrow window it is below the form.
    if ((section.current?.getBoundingClientRect().top ?? 0) > innerHeight / 2)
      section.current?.scrollIntoView();
  };
  return (
    <div class="columns">
      <RunForm model={model} form={form} setForm={setForm} read={read} onRun={showResult} />
      <section ref={section} class="result" aria-label={side === 'result' ? 'Result' : 'Samples'}>
        <div class="choices">
          <button type="button" aria-pressed={side === 'result'} onClick={() => setSide('result')}>
            Result
          </button>
          <button type="button" aria-pressed={side === 'samples'} onClick={() => setSide('samples')}>
            Samples
          </button>
        </div>
        {side === 'samples' ? (
          <Samples model={model} request={read.kind === 'request' ? read.request : undefined} />
        ) : id === undefined ? (
          <p class="quiet empty">The result appears here.</p>
        ) : (
          <ResultPanel key={id} id={id} />
        )}
      </section>
    </div>
  );
}

/** A generation that is gone, or of another model, does not keep anyone from running this one. */
async function readSource(
  id: string | undefined,
  model: string,
  signal: AbortSignal,
): Promise<Generation | undefined> {
  if (id === undefined) return undefined;
  const generation = await client.get(id, { signal }).catch(() => undefined);
  return generation?.model === model ? generation : undefined;
}
