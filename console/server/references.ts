import { randomBytes } from 'node:crypto';

/** Keeps values under names, the latest ones only. */
export interface References<T> {
  /** Keeps a value under a name that nobody can guess. @returns The name. */
  add(value: T): string;
  set(name: string, value: T): void;
  get(name: string): T | undefined;
}

export function createReferences<T>(most = 5_000): References<T> {
  const kept = new Map<string, T>();
  const set = (name: string, value: T) => {
    kept.delete(name);
    kept.set(name, value);
    if (kept.size <= most) return;
    const [oldest] = kept.keys();
    if (oldest !== undefined) kept.delete(oldest);
  };
  return {
    add: (value) => {
      const name = randomBytes(16).toString('hex');
      set(name, value);
      return name;
    },
    set,
    get: (name) => kept.get(name),
  };
}
