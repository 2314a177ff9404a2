import type { Segment } from '../../../client/index.ts';

/** A language model's answer, in its parts. All of it is shown as text. */
export function Segments({ segments }: { readonly segments: readonly Segment[] }) {
  return (
    <div class="segments">
      {segments.map((segment, index) => (
        <SegmentView key={`${index}-${segment.type}`} segment={segment} />
      ))}
    </div>
  );
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function SegmentView({ segment }: { readonly segment: Segment }) {
  const { type, text = '' } = segment;
  if (type === 'thinking')
    return (
      <details class="thinking">
        <summary>Thinking</summary>
        <p>{text}</p>
      </details>
    );
  if (type === 'answer') return <p class="answer">{text}</p>;
  const { name = type, arguments: given, input } = segment;
  return (
    <p class="call">
      <strong>{String(name)}</strong> <code>{textOf(given ?? input ?? text)}</code>
    </p>
  );
}
