import { useState } from 'preact/hooks';
import type { Generation, Output, Segment } from '../../../client/index.ts';
import { formatBytes } from '../ui/format.ts';
import { WhenLoaded } from '../ui/loading.tsx';
import { TextBox } from '../ui/text-box.tsx';
import { useLoad } from '../ui/use-load.ts';
import { Segments } from './segments.tsx';
import { reasonOf, Unshown } from './unshown.tsx';
import { openPicture } from './zoom.tsx';

interface OutputsProps {
  readonly record: Generation;
  /** A language model's answer as it comes. */
  readonly segments: readonly Segment[];
}

export function Outputs({ record, segments }: OutputsProps) {
  const { outputs, outputsTotal } = record;
  if (outputs.length === 0)
    return segments.length === 0 ? null : (
      <section class="outputs" aria-label="Answer">
        <h3>Answer</h3>
        <Segments segments={segments} />
      </section>
    );
  return (
    <section class="outputs" aria-label="Outputs">
      <h3>{outputs.length === 1 ? 'Output' : 'Outputs'}</h3>
      {outputsTotal !== undefined && (
        <p class="quiet">
          The first {outputs.length} of {outputsTotal}.
        </p>
      )}
      <ul class="pictures">
        {outputs.map((output) => (
          <li key={output.key}>
            <figure>
              <OutputView key={output.url} output={output} />
              <figcaption>
                <span class="filename">{output.name}</span>{' '}
                <span class="quiet">{formatBytes(output.sizeBytes)}</span>{' '}
                <a href={`${output.url}&download`} download={output.name}>
                  Download<span class="hidden"> {output.name}</span>
                </a>
              </figcaption>
            </figure>
          </li>
        ))}
      </ul>
    </section>
  );
}

function OutputView({ output }: { readonly output: Output }) {
  const { url, name, contentType, sizeBytes } = output;
  const [isBroken, setBroken] = useState(false);
  const [kind] = contentType.split('/');
  const fail = () => setBroken(true);
  if (isBroken)
    return <Unshown url={url} otherwise={`This browser cannot show ${contentType}: download it.`} />;
  if (kind === 'image')
    return (
      <button
        type="button"
        class="picture"
        aria-label={`Enlarge ${name}`}
        onClick={() => openPicture({ src: url, name })}
      >
        <img src={url} alt="" loading="lazy" onError={fail} />
      </button>
    );
  // Wiro has no captions for what a model makes.
  if (kind === 'video')
    return (
      <video src={url} controls preload="metadata" aria-label={name} onError={fail}>
        <track kind="captions" />
      </video>
    );
  if (kind === 'audio')
    return (
      <audio src={url} controls preload="metadata" aria-label={name} onError={fail}>
        <track kind="captions" />
      </audio>
    );
  if ((kind === 'text' || contentType.startsWith('application/json')) && sizeBytes <= LARGEST_TEXT)
    return <TextOutput output={output} />;
  return <p class="quiet">{contentType}</p>;
}

const LARGEST_TEXT = 1_000_000;
const MOST_SHOWN = 100_000;

function TextOutput({ output: { url, name, contentType, content } }: { readonly output: Output }) {
  const loaded = useLoad(async (signal) => {
    if (content !== undefined) return readAnswer(content) ?? { text: JSON.stringify(content, undefined, 2) };
    const file = await fetch(url, { signal });
    if (!file.ok) throw new Error(await reasonOf(file));
    const text = await file.text();
    return contentType.startsWith('application/json') ? (readAnswer(parse(text)) ?? { text }) : { text };
  }, url);
  return (
    <WhenLoaded loaded={loaded}>
      {(answer) =>
        answer?.segments ? (
          <Segments segments={answer.segments} />
        ) : (
          <TextBox label={name} text={answer?.text?.slice(0, MOST_SHOWN) ?? ''} />
        )
      }
    </WhenLoaded>
  );
}

interface Answer {
  readonly segments?: readonly Segment[];
  readonly text?: string;
}

/** Reads a language model's `answer.json`. */
function readAnswer(given: unknown): Answer | undefined {
  const { content } = (given ?? {}) as { readonly content?: unknown };
  if (typeof content !== 'object' || content === null) return undefined;
  const { segments, thinking, answer, raw } = content as Readonly<Record<string, unknown>>;
  if (Array.isArray(segments) && segments.length > 0) return { segments: segments.filter(isSegment) };
  const parts = [
    ...textsOf(thinking).map((text) => ({ type: 'thinking', text })),
    ...textsOf(answer).map((text) => ({ type: 'answer', text })),
  ];
  if (parts.length > 0) return { segments: parts };
  return { text: typeof raw === 'string' ? raw : JSON.stringify(content, undefined, 2) };
}

const isSegment = (value: unknown): value is Segment =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

const textsOf = (value: unknown): readonly string[] =>
  [value].flat().filter((one): one is string => typeof one === 'string' && one.trim() !== '');

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
