import { useState } from 'preact/hooks';
import type { Generation } from '../../../client/index.ts';
import { inputPath, nameOf } from '../run/form-model.ts';
import { Unshown } from './unshown.tsx';
import { openPicture } from './zoom.tsx';

/** The files that a generation was given, beside what it made of them. */
export function Inputs({ record }: { readonly record: Generation }) {
  const files = Object.entries(record.inputs).flatMap(([parameter, sources]) =>
    [sources]
      .flat()
      .map((source, index) => ({ source, src: inputPath(record.id, parameter, index), parameter })),
  );
  if (files.length === 0) return null;
  return (
    <section class="inputs" aria-label="Inputs">
      <h3>{files.length === 1 ? 'Input' : 'Inputs'}</h3>
      <ul class="pictures">
        {files.map(({ source, src, parameter }) => (
          <li key={src}>
            <InputPicture src={src} name={nameOf(source)} parameter={parameter} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** An input that is no picture is named. One that the developer may not read has the reason. */
function InputPicture({
  src,
  name,
  parameter,
}: {
  readonly src: string;
  readonly name: string;
  readonly parameter: string;
}) {
  const [isBroken, setBroken] = useState(false);
  return (
    <figure>
      {isBroken ? (
        <Unshown url={src} />
      ) : (
        <button
          type="button"
          class="picture"
          aria-label={`Enlarge ${name}`}
          onClick={() => openPicture({ src, name })}
        >
          <img src={src} alt="" loading="lazy" onError={() => setBroken(true)} />
        </button>
      )}
      <figcaption>
        <span class="filename">{name}</span> <span class="quiet">{parameter}</span>
      </figcaption>
    </figure>
  );
}
