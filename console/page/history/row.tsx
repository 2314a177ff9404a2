import type { GenerationRow } from '../../../client/index.ts';
import { generationPath } from '../router.ts';
import { formatTime, formatUsd } from '../ui/format.ts';
import { StatusBadge } from '../ui/status.tsx';

/** A generation in a list. */
export function Row({ row }: { readonly row: GenerationRow }) {
  const { id, model, status, origin, createdAt, costUsd, labels, error, output, outputs } = row;
  return (
    <a class="row" href={`#${generationPath(id)}`}>
      <span class="thumb">
        {output?.contentType.startsWith('image/') && <img src={output.url} alt="" loading="lazy" />}
        {output && !output.contentType.startsWith('image/') && <span>{kindOf(output.contentType)}</span>}
      </span>
      <span class="what">
        <span class="model">{model}</span>
        <span class="quiet more">
          {error
            ? error.message
            : Object.entries(labels ?? {})
                .map(([name, value]) => `${name}=${value}`)
                .join(', ') || id}
        </span>
      </span>
      <span class="facts">
        <span>
          <StatusBadge status={status} /> <span class="quiet">{origin}</span>
        </span>
        <span class="quiet">
          {formatTime(createdAt)}
          {outputs > 1 ? `, ${outputs} outputs` : ''}
        </span>
      </span>
      <span class="cost">{costUsd === undefined ? '' : formatUsd(costUsd)}</span>
    </a>
  );
}

/** `video`, `audio`, `text`; of an application, its format. */
function kindOf(contentType: string): string | undefined {
  const [kind, format] = contentType.split(/[/;]/);
  return kind === 'application' ? format : kind;
}
