import type { Generation, Output } from '../generation/generation.ts';
import type { AcceptedInput } from '../request/accepted-request.ts';
import type { PageFile, ResultPage } from '../runtime/result-page.ts';
import type { WholeGeneration } from '../store/generation-store.ts';
import { accountOf } from './account.ts';
import { sentenceFor } from './result-files.ts';

/** The page beside the outputs of a dropped file, for a person. */
export function toFolderPage({ generation, request, outputs }: WholeGeneration): ResultPage {
  const { id, model, attempt, createdAt } = generation;
  const { costUsd, error } = accountOf(generation);
  const { prompt } = request.parameters;
  return {
    status: statusOf(generation),
    title: nameOf(Object.values(request.inputs).flat().find(isDropped)),
    message: withoutStatus(sentenceFor(generation, outputs.length)),
    ...(typeof prompt === 'string' && prompt.trim() !== '' && { prompt }),
    facts: [
      ['Model', model],
      ...costOf(generation.status, costUsd),
      ...(error?.retryable === true
        ? ([['Trying again', 'can help: put the file again, under another name']] as const)
        : []),
      ...(attempt > 1 ? ([['Attempt', String(attempt)]] as const) : []),
      ['Dropped', timeOf(createdAt)],
      ...('endedAt' in generation ? ([['Ended', timeOf(generation.endedAt)]] as const) : []),
      ['Id', id],
    ],
    files: outputs.flatMap((output) => toFile(output, generation.outputFolder ?? '')),
  };
}

/** The page says the status above the sentence. */
function withoutStatus(sentence: string): string {
  const [first = '', ...rest] = sentence.replace(/^(?:Done: |This generation failed\. )/, '');
  return `${first.toUpperCase()}${rest.join('')}`;
}

/** What did not succeed may have cost nothing. Then its message says so. */
function costOf(status: Generation['status'], costUsd: number | undefined): ResultPage['facts'] {
  if (costUsd !== undefined) return [['Cost', `$${costUsd}`]];
  return status === 'succeeded' ? [['Cost', 'not known']] : [];
}

function statusOf({ status }: Generation): ResultPage['status'] {
  return status === 'succeeded' || status === 'failed' || status === 'cancelled' ? status : 'unfinished';
}

/** A preset's own inputs may lie elsewhere, or be addresses with secrets in them: the page names only the dropped file. */
const isDropped = (input: AcceptedInput): boolean =>
  input.kind === 'object' && input.key.startsWith('uploads/');

const nameOf = (input: AcceptedInput | undefined): string =>
  input?.kind === 'object' ? (input.key.split('/').at(-1) ?? '') : 'A dropped file';

/** An output that lies outside the folder has no place on the page. */
const toFile = ({ name, key, contentType, sizeBytes }: Output, folder: string): readonly PageFile[] =>
  key.startsWith(folder) ? [{ name, path: key.slice(folder.length), contentType, sizeBytes }] : [];

/** For example `2026-03-31 21:00:05 UTC`. */
const timeOf = (at: string): string => `${at.slice(0, 19).replace('T', ' ')} UTC`;
