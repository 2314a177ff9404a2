import { WiroServerlessError } from '../client/index.ts';

/**
 * Whether the API answered that it made no generation. After any other failure of `submit` there may be one: what stands
 * between can lose or cut an answer, and 429, or AWS's 403 once credentials expire, can follow a lost one.
 */
export const isRefusal = (error: unknown): boolean =>
  error instanceof WiroServerlessError &&
  error.status !== undefined &&
  error.status < 500 &&
  !error.code.startsWith('http_') &&
  (error.status !== 429 || error.code === 'daily_limit_reached');
