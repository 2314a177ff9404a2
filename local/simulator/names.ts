import { randomBytes } from 'node:crypto';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Creates a token like Wiro's: thirty letters and digits. */
export function randomToken(): string {
  return Array.from(randomBytes(30), (byte) => LETTERS[byte % LETTERS.length]).join('');
}

export function randomHex(bytes = 16): string {
  return randomBytes(bytes).toString('hex');
}

/** Creates a directory name like those at `cdn.wiro.ai`: eight groups of eight digits. */
export function randomDirectory(): string {
  return Array.from({ length: 8 }, () => randomHex(4)).join('-');
}
