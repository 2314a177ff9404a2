import { WiroServerlessError } from '../../../client/index.ts';

export const describeError = (error: unknown): string => {
  if (error instanceof WiroServerlessError) return error.message;
  if (error instanceof Error) return `${error.message}. Is the console's server still running?`;
  return String(error);
};
