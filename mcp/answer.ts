import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { WiroServerlessError } from '../client/index.ts';
import { type Cut, shortenTo } from './shorten-to.ts';

/** An agent reads an answer whole, and its context is small. */
const MOST_CHARACTERS = 30_000;
const MOST_SENTENCES = 10;

export interface Answer {
  readonly value: object;
  /** Says what `value` lacks and how to get it, given what was cut. @default - what was cut */
  readonly explain?: (cuts: readonly Cut[]) => readonly string[];
}

/** A call that cannot be answered. */
export class ToolError extends Error {
  readonly code: string;
  readonly problems: readonly unknown[] | undefined;

  constructor(code: string, message: string, problems?: readonly unknown[]) {
    super(message);
    this.code = code;
    this.problems = problems;
  }
}

/** Answers with JSON of at most about 30,000 characters. `leftOut` says what is not in it. */
export async function answer(work: () => Promise<Answer>): Promise<CallToolResult> {
  try {
    return textOf(await work());
  } catch (error) {
    const { code, problems, retryable } = error as Partial<WiroServerlessError>;
    const message = error instanceof Error ? error.message : String(error);
    return {
      isError: true,
      ...textOf({
        value: {
          error: {
            code: code ?? 'unreachable',
            message,
            ...(problems && { problems }),
            ...(retryable !== undefined && { retryable }),
          },
        },
      }),
    };
  }
}

/** For example `outputs: the first 40 of 300 items are shown.` */
export const describeCut = ({ path, shown, total, unit }: Cut): string =>
  `${path}: the first ${shown.toLocaleString('en')} of ${total.toLocaleString('en')} ${unit} are shown.`;

/** Explains each cut, with the same remedy. */
export const remedied = (remedy: string) => (cuts: readonly Cut[]) =>
  cuts.map((cut) => `${describeCut(cut)} ${remedy}`);

function textOf({ value, explain = (cuts) => cuts.map(describeCut) }: Answer) {
  const { value: fitted, cuts } = shortenTo(value, MOST_CHARACTERS);
  const all = explain(cuts);
  const leftOut = all.slice(0, MOST_SENTENCES);
  if (all.length > leftOut.length) leftOut.push(`${all.length - leftOut.length} more parts are shortened.`);
  const text = JSON.stringify({ ...fitted, ...(leftOut.length > 0 && { leftOut }) });
  return { content: [{ type: 'text' as const, text }] };
}
