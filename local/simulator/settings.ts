import type { FaultPlan } from './faults.ts';

/** What a simulator can be told when it starts. Durations are in milliseconds, before they are divided. */
export interface SimulatorOptions {
  /** @default 0 - any free port */
  readonly port?: number;
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** @default 'simulator-key' */
  readonly apiKey?: string;
  /** @default 'simulator-secret' */
  readonly apiSecret?: string;
  /** A project of the kind that sends its key alone. @default false - requests are signed */
  readonly keyOnly?: boolean;
  /** From a task's acceptance to its end. @default 4000 */
  readonly taskDurationMs?: number;
  /** Every duration, those of faults included, is divided by this. @default 1 */
  readonly durationDivisor?: number;
  /** Tasks that are processed side by side; the others wait in the queue. @default 8 */
  readonly workers?: number;
  /** @default 100 */
  readonly balanceUsd?: number;
  /** Tasks that may be active; `null` for no limit. @default - Wiro's rule: by the balance */
  readonly concurrencyLimit?: number | null;
  /** `tiny`: a few deterministic bytes, made without sharp, for suites with thousands of tasks. @default 'composed' */
  readonly outputs?: OutputMode;
  /** Whether `File/Upload` answers `invalid-parameters`, whatever is uploaded, as it does for some projects. @default false */
  readonly uploadsRefused?: boolean;
  /** Size of an output of `wiro/simulated-video`, whose parameter `bytes` overrides it. @default 8 MiB */
  readonly videoBytes?: number;
  /** Larger files lie below it. @default - a temporary directory, removed by `stop` */
  readonly dataDir?: string;
  /** What goes wrong besides the rules of `faults`: for suites that plan the faults of thousands of tasks. */
  readonly faultPlan?: FaultPlan;
}

export type OutputMode = 'composed' | 'tiny';

/** Settings that may be changed while it runs are not `readonly`. */
export interface Settings {
  readonly apiKey: string;
  /** `undefined` for a key-only project. */
  readonly apiSecret: string | undefined;
  readonly workers: number;
  readonly videoBytes: number;
  taskDurationMs: number;
  balanceUsd: number;
  /** `undefined`: Wiro's rule. */
  concurrencyLimit: number | null | undefined;
  outputs: OutputMode;
  uploadsRefused: boolean;
}

export const DEFAULT_KEY = 'simulator-key';
export const DEFAULT_SECRET = 'simulator-secret';

export function readSettings(options: SimulatorOptions): Settings {
  return {
    apiKey: options.apiKey ?? DEFAULT_KEY,
    apiSecret: options.keyOnly ? undefined : (options.apiSecret ?? DEFAULT_SECRET),
    workers: options.workers ?? 8,
    videoBytes: options.videoBytes ?? 8 * 1024 * 1024,
    taskDurationMs: options.taskDurationMs ?? 4_000,
    balanceUsd: options.balanceUsd ?? 100,
    concurrencyLimit: options.concurrencyLimit,
    outputs: options.outputs ?? 'composed',
    uploadsRefused: options.uploadsRefused ?? false,
  };
}

/** What may be changed while the simulator runs. */
export interface SettingsChange {
  readonly balanceUsd?: number;
  /** `null` for no limit, `'balance'` for Wiro's rule. */
  readonly concurrencyLimit?: number | null | 'balance';
  readonly taskDurationMs?: number;
  readonly outputs?: OutputMode;
  readonly uploadsRefused?: boolean;
}

export function changeSettings(settings: Settings, change: SettingsChange): void {
  if (change.balanceUsd !== undefined) settings.balanceUsd = change.balanceUsd;
  if (change.taskDurationMs !== undefined) settings.taskDurationMs = change.taskDurationMs;
  if (change.outputs !== undefined) settings.outputs = change.outputs;
  if (change.uploadsRefused !== undefined) settings.uploadsRefused = change.uploadsRefused;
  if (change.concurrencyLimit === 'balance') settings.concurrencyLimit = undefined;
  else if (change.concurrencyLimit !== undefined) settings.concurrencyLimit = change.concurrencyLimit;
}

/** How many tasks may be active at once: by Wiro's rule one for every ten dollars, unlimited above $250. */
export function concurrencyLimit({ concurrencyLimit, balanceUsd }: Settings): number {
  if (concurrencyLimit === null) return Number.POSITIVE_INFINITY;
  if (concurrencyLimit !== undefined) return concurrencyLimit;
  return balanceUsd > 250 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(balanceUsd * 0.1));
}

/** @throws {TypeError} When it is no change of settings, with a sentence that says why. */
export function parseSettingsChange(input: unknown): SettingsChange {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new TypeError('Settings must be a JSON object');
  for (const [name, value] of Object.entries(input)) {
    const isRight = CHANGES[name]?.(value);
    if (isRight === undefined)
      throw new TypeError(`No setting is called "${name}"; there are ${Object.keys(CHANGES).join(', ')}`);
    if (!isRight) throw new TypeError(`The setting "${name}" cannot be ${JSON.stringify(value)}`);
  }
  return input;
}

const isAmount = (value: unknown) => typeof value === 'number' && value >= 0;
const CHANGES: { readonly [name: string]: (value: unknown) => boolean } = {
  balanceUsd: isAmount,
  concurrencyLimit: (value) => value === null || value === 'balance' || isAmount(value),
  taskDurationMs: isAmount,
  outputs: (value) => value === 'composed' || value === 'tiny',
  uploadsRefused: (value) => typeof value === 'boolean',
};
