import type { FunctionName } from '../../functions/functions.ts';
import { type Call, callName, type Place } from './calls.ts';

/** Notes the calls of one run of a flow, and says which one a process is killed at. */
export interface Recorder {
  /** Starts anew. @param target - Where to kill. @default - nowhere */
  start(target?: { readonly call: Call; readonly place: Place }): void;
  /** @returns What was called since `start`, in order. */
  stop(): readonly Call[];
  /** Counts a call. @returns Where its caller is to be killed, once. */
  meet(functionName: FunctionName, operation: string): Place | undefined;
}

export function createRecorder(): Recorder {
  let isOn = false;
  let calls: Call[] = [];
  let counts = new Map<string, number>();
  let target: { readonly name: string; readonly place: Place } | undefined;

  return {
    start: (wanted) => {
      isOn = true;
      calls = [];
      counts = new Map();
      target = wanted && { name: callName(wanted.call), place: wanted.place };
    },
    stop: () => {
      isOn = false;
      return calls;
    },
    meet: (functionName, operation) => {
      if (!isOn) return undefined;
      const key = `${functionName} ${operation}`;
      const ordinal = (counts.get(key) ?? 0) + 1;
      counts.set(key, ordinal);
      const call = { functionName, operation, ordinal };
      calls.push(call);
      if (target?.name !== callName(call)) return undefined;
      const { place } = target;
      target = undefined;
      return place;
    },
  };
}
