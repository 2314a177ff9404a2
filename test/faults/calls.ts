import type { FunctionName } from '../../functions/functions.ts';

/** One request of a function to something outside it, named so that it is found again in the next run of its flow. */
export interface Call {
  readonly functionName: FunctionName;
  /** Service, operation and what it is about: `DynamoDB.PutItem state:running`. */
  readonly operation: string;
  /** From 1, among the calls of that function and operation in one run of the flow. */
  readonly ordinal: number;
}

/**
 * Where a function process is killed: its request was not delivered; the server did it, but the answer never came;
 * or it was answered, and that was the last it did.
 */
export type Place = 'undelivered' | 'unanswered' | 'answered';

/** One cell of the crash matrix. */
export interface CrashCase {
  readonly flow: string;
  readonly call: Call;
  readonly place: Place;
}

export const callName = ({ functionName, operation, ordinal }: Call): string =>
  `${functionName} ${operation} #${ordinal}`;

/** For people and for `--case`. */
export const caseName = ({ flow, call, place }: CrashCase): string => `${flow}: ${callName(call)}, ${place}`;

/** @throws When it is no name that `caseName` gave. */
export function parseCaseName(text: string): CrashCase {
  const pattern =
    /^(?<flow>.+?): (?<fn>api|submit|callback|reconcile) (?<operation>.+) #(?<ordinal>\d+), (?<place>undelivered|unanswered|answered)$/;
  const { flow, fn, operation, ordinal, place } = pattern.exec(text)?.groups ?? {};
  if (flow === undefined || operation === undefined)
    throw new Error(`"${text}" is no case: it looks like "success: submit Wiro.Run #1, unanswered"`);
  return {
    flow,
    call: { functionName: fn as FunctionName, operation, ordinal: Number(ordinal) },
    place: place as Place,
  };
}
