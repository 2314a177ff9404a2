import { UnreachableError } from '../../../client/index.ts';

export const describeError = (error: unknown): string => {
  // `fetch` itself fails with a TypeError.
  if (error instanceof UnreachableError || error instanceof TypeError)
    return `${error.message}. Is the console's server still running?`;
  return error instanceof Error ? error.message : String(error);
};
