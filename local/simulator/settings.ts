import type { FaultPlan } from './faults.ts';

/** Options for a new simulator. Durations are in milliseconds before division. */
export interface SimulatorOptions {
  /** @default 0 - any free port */
  readonly port?: number;
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** @default 'simulator-key' */
  readonly apiKey?: string;
  /** @default 'simulator-secret' */
  readonly apiSecret?: string;
  /** Whether the project has no secret, so that requests are not signed. @default false */
  readonly keyOnly?: boolean;
  /** The time from a task's acceptance to its end. @default 4000 */
  readonly taskDurationMs?: number;
  /** Divides every duration, including those of faults. @default 1 */
  readonly durationDivisor?: number;
  /** The number of tasks that run at the same time. The others wait in the queue. @default 8 */
  readonly workers?: number;
  /** @default 100 */
  readonly balanceUsd?: number;
  /** The maximum number of active tasks. `null` means no limit. @default - Wiro's rule, by balance */
  readonly concurrencyLimit?: number | null;
  /** `tiny` creates small deterministic files without sharp, for thousands of tasks. @default 'composed' */
  readonly outputs?: OutputMode;
  /** Whether `File/Upload` always answers `invalid-parameters`, as it does for some projects. @default false */
  readonly uploadsRefused?: boolean;
  /** The default size of outputs of `wiro/simulated-video`. Its parameter `bytes` overrides it. @default 8 MiB */
  readonly videoBytes?: number;
  /** The directory for large files. @default - a temporary directory, which `stop` removes */
  readonly dataDir?: string;
  /** The directory that keeps tasks and files across restarts. @default - none: a restart forgets them */
  readonly archiveDir?: string;
  /** Selects faults in addition to rules, for test suites that plan faults for thousands of tasks. */
  readonly faultPlan?: FaultPlan;
}

export type OutputMode = 'composed' | 'tiny';

/** Settings that may change while the simulator runs are not `readonly`. */
export interface Settings {
  readonly apiKey: string;
  /** `undefined` for a key-only project. */
  readonly apiSecret: string | undefined;
  readonly workers: number;
  readonly videoBytes: number;
  taskDurationMs: number;
  balanceUsd: number;
  /** `undefined` means Wiro's rule. */
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

/** Settings that may change while the simulator runs. */
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

/** The maximum number of active tasks. Wiro's rule is one per ten dollars of balance, and no limit above $250. */
export function concurrencyLimit({ concurrencyLimit, balanceUsd }: Settings): number {
  if (concurrencyLimit === null) return Number.POSITIVE_INFINITY;
  if (concurrencyLimit !== undefined) return concurrencyLimit;
  return balanceUsd > 250 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(balanceUsd * 0.1));
}

/** @throws {TypeError} If a setting is unknown or invalid. */
export function parseSettingsChange(input: unknown): SettingsChange {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new TypeError('Settings must be a JSON object');
  for (const [name, value] of Object.entries(input)) {
    const isValid = CHANGES[name]?.(value);
    if (isValid === undefined)
      throw new TypeError(`The setting "${name}" does not exist: use ${Object.keys(CHANGES).join(', ')}`);
    if (!isValid) throw new TypeError(`The setting "${name}" cannot be ${JSON.stringify(value)}`);
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
