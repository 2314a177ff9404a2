import { createRequire } from 'node:module';
import path from 'node:path';
import { compileFunction } from 'node:vm';
import * as esbuild from 'esbuild';
import { FUNCTIONS, type FunctionName } from '../../../functions/functions.ts';
import { createRandom } from '../../../local/simulator/faults.ts';
import type { VirtualTime } from './virtual-time.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const require = createRequire(import.meta.url);

export type Handler = (event: unknown, context: LambdaContext) => Promise<unknown>;
export interface LambdaContext {
  readonly awsRequestId: string;
  readonly getRemainingTimeInMillis: () => number;
}

/** What the code of a container gets instead of Node's own; everything else is real. */
const GLOBALS = [
  'require',
  'module',
  'exports',
  'process',
  'Buffer',
  'Date',
  'Math',
  'performance',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'AbortSignal',
] as const;
type Code = (...globals: readonly unknown[]) => void;

export type FunctionCode = Readonly<Record<FunctionName, Code>>;

/** What the functions send through: a container is given others, as of packages. */
const WAYS = {
  dynamodb: 'functions/aws/dynamodb.ts',
  'signed-post': 'functions/aws/signed-post.ts',
  'head-object': 'functions/objects/head-object.ts',
  'ask-s3': 'functions/objects/ask-s3.ts',
  'plain-ranges': 'functions/outputs/plain-ranges.ts',
} as const;
const ways: esbuild.Plugin = {
  name: 'ways',
  setup(build) {
    for (const [name, file] of Object.entries(WAYS))
      build.onResolve({ filter: new RegExp(`/${name}\\.ts$`) }, ({ path: wanted, resolveDir }) =>
        path.resolve(resolveDir, wanted) === path.join(ROOT, file)
          ? { path: name, external: true }
          : undefined,
      );
  },
};

let compiled: Promise<FunctionCode> | undefined;

/** The four functions as one script each; packages stay outside, so that a container can be given others. */
export function compileFunctions(): Promise<FunctionCode> {
  compiled ??= compileAll();
  return compiled;
}

async function compileAll(): Promise<FunctionCode> {
  const entries = Object.entries(FUNCTIONS).map(async ([name, { entry }]) => {
    const { outputFiles } = await esbuild.build({
      absWorkingDir: ROOT,
      entryPoints: [`functions/${entry}`],
      bundle: true,
      packages: 'external',
      plugins: [ways],
      platform: 'node',
      target: 'node24',
      format: 'cjs',
      supported: { 'dynamic-import': false },
      write: false,
      logLevel: 'silent',
    });
    const [file] = outputFiles;
    if (file === undefined) throw new Error(`Nothing was bundled of ${entry}`);
    const code = compileFunction(file.text, [...GLOBALS], { filename: `${name}.cjs` });
    return [name, code as Code] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as FunctionCode;
}

/** As many large buffers as are in use at once; a new one for every copy would keep the collector busy. */
const LENT = 64;
const lent: Buffer[] = [];
let lentNext = 0;

/** Buffers for copying are lent again: what is in them is written before it is read. */
const LENT_BUFFER = new Proxy(Buffer, {
  get: (target, name) =>
    name === 'allocUnsafeSlow' ? lendBuffer : (Reflect.get(target, name, target) as unknown),
});

function lendBuffer(sizeBytes: number): Buffer {
  const at = lentNext++ % LENT;
  const standing = lent[at];
  if (standing?.length === sizeBytes) return standing;
  const made = Buffer.allocUnsafeSlow(sizeBytes);
  lent[at] = made;
  return made;
}

const loaded = new Map<string, unknown>();

/** What is not replaced is the same in every container; Node would look for its file each time. */
function load(wanted: string): unknown {
  if (!loaded.has(wanted)) loaded.set(wanted, require(wanted));
  return loaded.get(wanted);
}

/** One call to something outside, as a container makes it. */
export interface OutsideCall {
  readonly service: 'dynamodb' | 's3' | 'ssm' | 'events' | 'lambda' | 'wiro' | 'cdn';
  readonly operation: string;
  /** What it concerns, as far as that is known: a generation's id, a key. */
  readonly subject?: string;
  /** How long it takes; for ever where it is infinite. */
  readonly latencyMs?: number;
}

/** Decides whether the call kills whoever makes it: before it is delivered, or after. */
export type Fate = (call: OutsideCall) => 'before' | 'after' | undefined;

export interface ContainerDeps {
  readonly name: FunctionName;
  readonly code: Code;
  readonly time: VirtualTime;
  readonly env: Readonly<Record<string, string>>;
  readonly seed: number;
  /** Packages and modules of Node that are replaced. */
  readonly replace: (container: Container) => Readonly<Record<string, unknown>>;
  readonly onLine: (line: string, container: Container) => void;
}

/**
 * One execution environment: a process of its own with the function's code, whose clock, timers and connections are
 * those of the simulation. Once killed, nothing that it does reaches anything any more.
 */
export class Container {
  readonly name: FunctionName;
  readonly handler: Handler;
  isDead = false;
  /** Calls and timers that it waits for. */
  pending = 0;
  /** Of the invocation under way. */
  fate: Fate = () => undefined;
  onKilled: () => void = () => undefined;
  readonly #time: VirtualTime;

  constructor({ name, code, time, env, seed, replace, onLine }: ContainerDeps) {
    this.name = name;
    this.#time = time;
    const replaced = replace(this);
    const module: { exports: { handler?: Handler } } = { exports: {} };
    const stdout = {
      write: (line: string) => {
        time.stir();
        if (!this.isDead) onLine(line, this);
        return true;
      },
    };
    const timers = this.#timers();
    code(
      (wanted: string) => replaced[wanted] ?? load(wanted),
      module,
      module.exports,
      Object.create(process, { env: { value: env }, stdout: { value: stdout } }),
      LENT_BUFFER,
      virtualDate(time),
      Object.create(Math, { random: { value: createRandom(seed) } }),
      { now: () => time.elapsedMs },
      timers.setTimeout,
      timers.clear,
      timers.setInterval,
      timers.clear,
      this.#abortSignal(),
    );
    if (module.exports.handler === undefined) throw new Error(`${name} exports no handler`);
    this.handler = module.exports.handler;
  }

  /** The process is gone: what it waited for never comes, and what it would do next does not happen. */
  kill(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#time.stir();
    this.onKilled();
  }

  /** Waits as long as the clock of the simulation says. */
  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#later(milliseconds, resolve);
    });
  }

  /**
   * Does something outside. Whoever is dead does nothing, and never hears of what it asked for.
   * @param perform - What the other side does, at the moment at which it answers.
   */
  outside<T>(call: OutsideCall, perform: () => T | Promise<T>): Promise<T> {
    this.#time.stir();
    return new Promise((resolve, reject) => {
      if (this.isDead) return;
      const fate = this.fate(call);
      if (fate === 'before') return this.kill();
      const { latencyMs = 5 } = call;
      if (latencyMs === Number.POSITIVE_INFINITY) return;
      const answer = async () => {
        try {
          const result = await perform();
          this.#time.stir();
          if (fate === 'after') this.kill();
          else if (!this.isDead) resolve(result);
        } catch (error) {
          this.#time.stir();
          if (fate === 'after') this.kill();
          else if (!this.isDead) reject(error);
        }
      };
      this.#later(latencyMs, () => void answer());
    });
  }

  #later(milliseconds: number, act: () => void): { cancel: () => void } {
    this.pending += 1;
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      this.pending -= 1;
    };
    const appointment = this.#time.after(milliseconds, () => {
      end();
      if (!this.isDead) act();
    });
    return {
      cancel: () => {
        end();
        appointment.cancel();
      },
    };
  }

  #timers() {
    const set = (act: () => void, milliseconds: number, again: boolean) => {
      let standing = this.#later(milliseconds, fire);
      function fire() {
        if (again) standing = later(milliseconds);
        act();
      }
      const later = (wait: number) => this.#later(wait, fire);
      const timer = {
        clear: () => standing.cancel(),
        unref: () => timer,
        ref: () => timer,
        hasRef: () => false,
        refresh: () => {
          standing.cancel();
          standing = later(milliseconds);
          return timer;
        },
      };
      return timer;
    };
    return {
      setTimeout: (act: (...given: unknown[]) => void, milliseconds = 0, ...given: unknown[]) =>
        set(() => act(...given), milliseconds, false),
      setInterval: (act: (...given: unknown[]) => void, milliseconds = 0, ...given: unknown[]) =>
        set(() => act(...given), milliseconds, true),
      clear: (timer: { readonly clear?: () => void } | undefined) => timer?.clear?.(),
    };
  }

  #abortSignal() {
    return class extends AbortSignal {
      static override any = (signals: AbortSignal[]) => AbortSignal.any(signals);
      static override abort = (reason?: unknown) => AbortSignal.abort(reason);
      /** None of the simulation lasts that long: what it would end is never under way. */
      static override timeout = () => new AbortController().signal;
    };
  }
}

function virtualDate(time: VirtualTime): typeof Date {
  return class extends Date {
    constructor(...given: readonly [] | readonly [string | number | Date]) {
      super(given.length === 0 ? time.now : given[0]);
    }

    static override now = () => time.now;
  } as typeof Date;
}
