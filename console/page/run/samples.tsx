import { useState } from 'preact/hooks';
import type { Model, Submission } from '../../../client/index.ts';
import { samplesOf } from '../../samples/index.ts';
import { readAbout } from '../client.ts';
import { WhenLoaded } from '../ui/loading.tsx';
import { TextBox } from '../ui/text-box.tsx';
import { useLoad } from '../ui/use-load.ts';

interface SamplesProps {
  readonly model: Model;
  readonly request: Submission | undefined;
}

/** The form as it stands, as code. */
export function Samples({ model, request }: SamplesProps) {
  const about = useLoad(readAbout, 'about');
  const [chosen, setChosen] = useState('curl');
  const [copied, setCopied] = useState({ text: '', answer: '' });
  if (request === undefined) return <p class="quiet">Mend the form first: then it stands here as code.</p>;
  return (
    <WhenLoaded loaded={about}>
      {({ endpoint }) => {
        const samples = samplesOf({
          model: request.model,
          parameters: request.parameters ?? {},
          inputs: Object.fromEntries(
            Object.entries(request.inputs ?? {}).map(([name, sources]) => [name, [sources].flat()]),
          ),
          labels: request.labels,
          maxCostUsd: request.maxCostUsd,
          modelParameters: model.parameters,
          endpoint,
        });
        const sample = samples.find(({ id }) => id === chosen) ?? samples[0];
        if (sample === undefined) return null;
        return (
          <div class="samples">
            <div class="choices">
              {samples.map(({ id, title }) => (
                <button key={id} type="button" aria-pressed={id === sample.id} onClick={() => setChosen(id)}>
                  {title}
                </button>
              ))}
            </div>
            <p class="note">{sample.note}</p>
            <TextBox label={`Sample: ${sample.title}`} text={sample.text} />
            <button
              type="button"
              onClick={async () => setCopied({ text: sample.text, answer: await copy(sample.text) })}
            >
              {copied.text === sample.text ? copied.answer : 'Copy'}
            </button>
          </div>
        );
      }}
    </WhenLoaded>
  );
}

const copy = (text: string): Promise<string> =>
  navigator.clipboard.writeText(text).then(
    () => 'Copied',
    () => 'The browser does not allow it: select the text',
  );
