import type { Generation, GenerationRow, Price, Timeline } from '../client/index.ts';
import { fields, formatBytes, formatDuration, formatUsd, plain, table } from './text.ts';

export function describePrice({ certainty, usd, note }: Price): string {
  if (certainty === 'unknown' || usd === undefined)
    return note === undefined ? 'unknown' : `unknown: ${note}`;
  return certainty === 'exact'
    ? formatUsd(usd)
    : `about ${formatUsd(usd)}${note === undefined ? '' : ` (${note})`}`;
}

/** Formats a record for a terminal. */
export function describeGeneration(generation: Generation, now = new Date()): string {
  const {
    id,
    status,
    attempt,
    model,
    parameters,
    inputs,
    labels = {},
    error,
    waitingFor,
    outputs,
  } = generation;
  return fields([
    ['Generation', `${id}${attempt > 1 ? ` (attempt ${attempt})` : ''}`],
    ['Status', status],
    ['Waits', waitingFor && describeWait(waitingFor, now)],
    ['Error', error && `${error.code}: ${plain(error.message)}`],
    ['Model', model],
    ['Parameters', isEmpty(parameters) ? undefined : short(parameters)],
    ['Inputs', isEmpty(inputs) ? undefined : short(inputs)],
    ['Labels', isEmpty(labels) ? undefined : short(labels)],
    ['Warnings', generation.warnings?.map(({ message }) => plain(message)).join('\n')],
    ['Task', generation.taskId],
    ['Accepted', generation.createdAt],
    ['Started', generation.startedAt],
    ['Ended', generation.endedAt],
    ['Took', took(generation)],
    ['Cost', cost(generation)],
    [
      'Outputs',
      outputs
        .map(
          ({ name, contentType, sizeBytes }) =>
            `${plain(name)}  ${plain(contentType)}, ${formatBytes(sizeBytes)}`,
        )
        .join('\n'),
    ],
    ['Answer', outputs.map(answerOf).filter(Boolean).join('\n')],
    [
      'Earlier',
      generation.pastAttempts
        ?.map((past) => `attempt ${past.attempt}, ${past.endedAt}: ${past.code}: ${plain(past.message)}`)
        .join('\n'),
    ],
  ]);
}

/** Why a generation waits, and until when. */
export function describeWait(
  { message, nextTryAt }: NonNullable<Generation['waitingFor']>,
  now: Date,
): string {
  const left = Date.parse(nextTryAt) - now.getTime();
  return `${plain(message)}${left > 0 ? ` (in ${formatDuration(left)})` : ''}`;
}

function took({ startedAt, endedAt, elapsedSeconds }: Generation): string | undefined {
  if (elapsedSeconds !== undefined) return `${elapsedSeconds} s at Wiro`;
  return startedAt && endedAt ? formatDuration(Date.parse(endedAt) - Date.parse(startedAt)) : undefined;
}

function cost({ costUsd, priceUsd, priceCertainty }: Generation): string | undefined {
  if (costUsd !== undefined) return formatUsd(costUsd);
  if (priceUsd === undefined) return undefined;
  return `expected: ${priceCertainty === 'estimate' ? 'about ' : ''}${formatUsd(priceUsd)}`;
}

/** The text of a language model's answer, if the record has it. */
export function answerOf({ content }: Pick<Generation['outputs'][number], 'content'>): string | undefined {
  if (typeof content !== 'object' || content === null || !('answer' in content)) return undefined;
  const { answer } = content as { readonly answer: unknown };
  if (typeof answer === 'string') return answer;
  return Array.isArray(answer) ? answer.filter((part) => typeof part === 'string').join('\n') : undefined;
}

const MOST_CHARACTERS = 400;

/** JSON of a value on one line, not longer than a person reads. */
function short(value: unknown): string {
  const text = plain(JSON.stringify(value));
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}… (all of it with --json)` : text;
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;

/** Formats rows of a list, newest first as given. */
export function describeRows(rows: readonly GenerationRow[], now: Date, width: number | undefined): string {
  return table(
    ['ID', 'STATUS', 'AGE', 'COST', 'MODEL', ''],
    rows.map(({ id, status, createdAt, costUsd, model, error, output, outputs }) => [
      id,
      status,
      formatDuration(now.getTime() - Date.parse(createdAt)),
      costUsd === undefined ? '' : formatUsd(costUsd),
      model,
      error ? `${error.code}: ${error.message}` : describeOutputs(output, outputs),
    ]),
    width === undefined ? {} : { width },
  );
}

const describeOutputs = (output: GenerationRow['output'], outputs: number): string =>
  output === undefined
    ? ''
    : `${output.name} (${formatBytes(output.sizeBytes)})${outputs > 1 ? ` and ${outputs - 1} more` : ''}`;

const EVENTS: Readonly<Record<Timeline['entries'][number]['what'], string>> = {
  accepted: 'accepted',
  line: 'joined the line for a slot',
  run: 'run sent to Wiro',
  search: 'looked for the task of the run, and found none',
  callback: 'Wiro called back',
  look: 'asked Wiro: the task goes on',
  try: 'a step failed and is tried again',
  cancel: 'cancellation requested',
  copy: 'outputs copied to the bucket',
  end: 'ended',
  announced: 'announced',
};

/** Formats what happened to a generation, oldest first. */
export function describeTimeline({ entries, truncated }: Timeline): string {
  const isRetried = entries.some(({ attempt }) => attempt > 1);
  const rows = entries.map(({ at, attempt, what, code, message, taskId, outputs }) => [
    at,
    ...(isRetried ? [String(attempt)] : []),
    EVENTS[what] ?? what,
    [
      ...(code === undefined ? [] : [code]),
      ...(message === undefined ? [] : [message]),
      ...(taskId === undefined ? [] : [`task ${taskId}`]),
      ...(outputs === undefined ? [] : [`${outputs} outputs`]),
    ].join(': '),
  ]);
  const text = table(['WHEN', ...(isRetried ? ['ATTEMPT'] : []), 'WHAT', ''], rows);
  return truncated === undefined ? text : `${text}\n… and ${truncated} more`;
}
