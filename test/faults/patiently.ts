import { eventually } from '../support/eventually.ts';

/** {@link eventually}, with the patience of a world before what is looked for. */
export const patiently = <Value>(
  what: string,
  timeoutMs: number,
  find: () => Promise<Value | undefined | false> | Value | undefined | false,
): Promise<Value> => eventually(what, find, timeoutMs);
