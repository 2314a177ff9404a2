import type { Command } from '../../functions/aws/dynamodb.ts';
import { receiveCallback } from '../../functions/callback/receive-callback.ts';
import type { CollectDeps } from '../../functions/collect/collect-deps.ts';
import { collectGeneration } from '../../functions/collect/collect-generation.ts';
import { parseCallbackPath } from '../../functions/generation/callback-url.ts';
import { type Generation, hasEnded, queueKey } from '../../functions/generation/generation.ts';
import { accept } from '../../functions/generation/transitions/accept.ts';
import { strikeOff } from '../../functions/generation/transitions/look.ts';
import { reconcile } from '../../functions/reconcile/reconcile.ts';
import { createStepOver } from '../../functions/reconcile/step-over.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { createAttemptNotesStore } from '../../functions/store/attempt-notes.ts';
import { createCallbackNotes } from '../../functions/store/callback-notes.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import { createEarlierReads } from '../../functions/store/earlier-reads.ts';
import { createGate } from '../../functions/store/gate.ts';
import { createGenerationStore } from '../../functions/store/generation-store.ts';
import { createTaskHints } from '../../functions/store/task-hints.ts';
import { createRoom } from '../../functions/submit/room.ts';
import type { SubmitDeps } from '../../functions/submit/submit-deps.ts';
import { submitGeneration } from '../../functions/submit/submit-generation.ts';
import { submitInTurn } from '../../functions/submit/submit-in-turn.ts';
import type { RunOutcome, RunRequest, Task, WiroClient } from '../../functions/wiro/types.ts';
import { createMemoryTable, type Item } from './memory-table.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly generations: number;
  /** The most tasks that Wiro runs at once. */
  readonly limit: number;
  /** How many of a hundred requests kill the invocation that sends them. */
  readonly crashPercent?: number;
  /** How many of a hundred Runs lose their answer. */
  readonly lostAnswerPercent?: number;
  /** How many of a hundred Runs are refused for good. */
  readonly invalidPercent?: number;
  /** How many of a hundred reads of the line return an older line. */
  readonly lagPercent?: number;
  /** How many of a hundred answers of the table are lost, so that the SDK sends the request again. */
  readonly resendPercent?: number;
}

interface SimulatedTask {
  readonly id: string;
  readonly generation: string;
  readonly callbackUrl: string;
  readonly createdAtSeconds: number;
  isRunning: boolean;
}

interface Invocation {
  isDead: boolean;
}

/** Resolves once every invocation waits at its next request. It is cheaper than a turn of the event loop. */
const untilAllWait = () => new Promise<void>((resolve) => process.nextTick(resolve));

const MINUTE = 60_000;
// Renewals are timers of the real clock. This interval lets none fire during a test.
const durations = { ...DURATIONS, leaseRenewal: 2_000_000_000 };
const parameters = {
  apiKey: 'key',
  callbackSecrets: ['secret'],
  callbackBaseUrl: 'https://callback.example',
  callbackFunction: 'callback',
} as const;

/**
 * Submits many generations with the real code, over a table in memory and a Wiro with a limit. Every request of every
 * invocation waits for its turn, and dice decide the order. So any interleaving is possible, and the same seed repeats
 * it. The clock moves by a millisecond with each turn.
 */
export class Simulation {
  readonly tasks: SimulatedTask[] = [];
  /** Refusals with code 96, by generation. */
  readonly refusals = new Map<string, number>();
  /** How often all work stopped until `reconcile` helped. */
  rescues = 0;
  /** How often generations waited with room at Wiro, and no invocation was at work. */
  idle = 0;
  readonly broken: string[] = [];
  crashes = 0;

  readonly #options: Required<SimulationOptions>;
  readonly #items = new Map<string, Item>();
  readonly #waitingForTurn: { readonly invocation: Invocation; readonly go: () => void }[] = [];
  readonly #ids: string[] = [];
  #alive = 0;
  #seed: number;
  #now = Date.UTC(2026, 0, 1);
  #isCrashing = true;
  #olderLine: readonly { readonly id: string; readonly queueKey: string }[] = [];

  /** Weights of arrivals and requests, and how fast tasks end compared with them. */
  readonly #pace: { readonly requests: number; readonly arrivals: number; readonly endPercent: number };

  constructor(options: SimulationOptions) {
    this.#options = {
      crashPercent: 0,
      lostAnswerPercent: 0,
      invalidPercent: 0,
      lagPercent: 0,
      resendPercent: 0,
      ...options,
    };
    this.#seed = options.seed;
    this.#pace = {
      requests: 1 + this.#dice(8),
      arrivals: 1 + this.#dice(8),
      endPercent: [100, 30, 10, 3][this.#dice(4)] ?? 100,
    };
  }

  /** Runs until every generation has ended, or `reconcile` has run 600 times. */
  async run(): Promise<this> {
    await this.#untilNothingMoves();
    // From here on nothing is killed, so that the repairs end.
    this.#isCrashing = false;
    for (let minutes = 0; minutes < 600 && !this.states().every(hasEnded); minutes += 1) {
      this.rescues += 1;
      this.#now += MINUTE;
      this.#invoke('reconcile');
      await this.#untilNothingMoves();
    }
    return this;
  }

  states(): readonly Generation[] {
    return this.#ids.map((id) => this.#items.get(`generation#${id} state`) as unknown as Generation);
  }

  gate(): Item {
    return this.#items.get('gate gate') ?? {};
  }

  // --- whose turn it is -----------------------------------------------------------------------------------------

  async #untilNothingMoves(): Promise<void> {
    for (;;) {
      await untilAllWait();
      const moves: (() => void)[] = [];
      const { requests, arrivals, endPercent } = this.#pace;
      for (
        let left = this.#options.generations - this.#ids.length;
        left > 0 && moves.length < arrivals;
        left -= 1
      )
        moves.push(() => this.#arrive());
      const running = this.tasks.filter(({ isRunning }) => isRunning);
      if (this.#alive === 0 && this.#ids.length === this.#options.generations)
        this.#checkIdle(running.length);
      const ending = running[this.#dice(Math.max(running.length, 1))];
      const isIdle = moves.length === 0 && this.#waitingForTurn.length === 0;
      if (ending !== undefined && (isIdle || this.#isOnePercentOf(endPercent)))
        moves.push(() => this.#end(ending));
      for (let repeat = 0; repeat < requests && this.#waitingForTurn.length > 0; repeat += 1)
        moves.push(() => this.#step());
      if (moves.length === 0) {
        if (this.#alive === 0) return;
        // An invocation waits for a timer before it tries again.
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      const before = this.gate();
      // Every move takes a millisecond, so that timestamps show the order.
      this.#now += 1;
      moves[this.#dice(moves.length)]?.();
      await untilAllWait();
      this.#checkGate(before, this.gate());
    }
  }

  /** Notes an idle slot: only tasks at Wiro are under way, fewer than the limit, and generations wait. */
  #checkIdle(running: number): void {
    const waiting = this.states().filter((state) => state.status === 'queued' && state.waiting);
    if (waiting.length > 0 && running < this.#options.limit) this.idle += 1;
  }

  /** Notes a slot beyond the limit, and a slot for a generation with an older one before it in line. */
  #checkGate(before: Item, after: Item): void {
    const slots = after.slots instanceof Set ? after.slots : new Set();
    const earlier = before.slots instanceof Set ? before.slots : new Set();
    const added = [...slots].filter((id) => !earlier.has(id));
    if (added.length === 0) return;
    if (typeof before.limit === 'number' && slots.size > Number(after.limit))
      this.broken.push(`${slots.size} slots with a limit of ${after.limit}`);
    for (const state of this.states()) {
      if (added.includes(state?.id) && String(after.waitingSince ?? '~') <= queueKey(state))
        this.broken.push(`${state.id} passed before ${after.waitingSince}`);
    }
  }

  #dice(sides: number): number {
    // mulberry32
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  }

  #isOnePercentOf = (percent: number) => this.#dice(100) < percent;

  #step(): void {
    const [one] = this.#waitingForTurn.splice(this.#dice(this.#waitingForTurn.length), 1);
    if (one === undefined) return;
    if (this.#isCrashing && this.#isOnePercentOf(this.#options.crashPercent)) {
      one.invocation.isDead = true;
      this.#alive -= 1;
      this.crashes += 1;
      for (const other of this.#waitingForTurn.splice(0))
        if (other.invocation !== one.invocation) this.#waitingForTurn.push(other);
      return;
    }
    one.go();
  }

  #turn(invocation: Invocation): Promise<void> {
    if (invocation.isDead) return new Promise(() => undefined);
    return new Promise((go) => this.#waitingForTurn.push({ invocation, go }));
  }

  // --- what happens ---------------------------------------------------------------------------------------------

  #arrive(): void {
    this.#now += 1;
    const id = [...`${this.#ids.length}`.padStart(26, '0')]
      .map((digit) => 'abcdefghij'[Number(digit)])
      .join('');
    const generation = accept(
      { id, deployment: 'shop', origin: 'api', model: 'wiro/flux', requestHash: 'hash' },
      { now: new Date(this.#now).toISOString(), durations },
    );
    this.#ids.push(id);
    const accepting = createGenerationStore(createMemoryTable(undefined, this.#items));
    void accepting
      .accept(generation, { model: 'wiro/flux', parameters: {}, inputs: {}, labels: {} })
      .then(() => this.#invoke('submit', id));
  }

  #end(task: SimulatedTask): void {
    task.isRunning = false;
    this.#invoke('callback', task.callbackUrl);
  }

  #invoke(what: 'submit' | 'collect' | 'callback' | 'reconcile', subject = ''): void {
    const invocation: Invocation = { isDead: false };
    this.#alive += 1;
    this.#work(invocation, what, subject)
      .catch((error: unknown) => this.broken.push(`${what} failed: ${String(error)}`))
      .finally(() => {
        if (!invocation.isDead) this.#alive -= 1;
      });
  }

  async #work(invocation: Invocation, what: string, subject: string): Promise<void> {
    const turn = () => this.#turn(invocation);
    const clock = () => new Date(this.#now);
    const table = this.#resending(createMemoryTable(turn, this.#items));
    const generations = createGenerationStore(table, { clock });
    const waiting: typeof generations.waiting = async (limit, from) => {
      const line = await generations.waiting(limit, from);
      if (this.#isOnePercentOf(this.#options.lagPercent)) return this.#olderLine;
      this.#olderLine = line;
      return line;
    };
    const notes = createAttemptNotesStore(table);
    const gate = createGate({ ...table, waiting, durations, clock, pause: turn });
    const start = (which: 'submit' | 'collect') => async (id: string) => {
      await turn();
      this.#invoke(which, id);
    };
    const shared = {
      generations,
      notes,
      remainingMs: () => 900_000,
      gate,
      wiro: this.#wiro(turn),
      announce: async (id: string) => {
        await generations.update(id, (current) =>
          strikeOff(
            current,
            current.announcements.map(({ eventId }) => eventId),
          ),
        );
      },
      forgetParameters: () => undefined,
      callbackSecrets: async () => parameters.callbackSecrets,
      submit: start('submit'),
      collect: start('collect'),
      durations,
      clock,
      createHolder: () => `holder-${this.#dice(2 ** 30)}`,
    };
    switch (what) {
      case 'submit': {
        const deps: SubmitDeps = {
          ...shared,
          inputs: { open: () => Promise.reject(new Error('there are no inputs')) },
          uploads: {} as SubmitDeps['uploads'],
          memory: createRoom(0),
          knownModel: async () => undefined,
          parameters: async () => parameters,
          monotonic: () => this.#now,
        };
        return submitInTurn(
          {
            ...deps,
            submit: shared.submit,
            submitOne: (id) => submitGeneration(deps, id),
            remainingMs: () => 1e6,
          },
          subject,
        );
      }
      case 'collect': {
        const deps: CollectDeps = {
          ...shared,
          earlierReads: createEarlierReads(table),
          collectAgain: shared.collect,
          collectNext: () => undefined,
          outputBucket: 'outputs',
          outputPrefix: 'outputs/',
          copier: {} as CollectDeps['copier'],
          standing: { find: async () => undefined, note: async () => undefined },
          putBytes: async (ref, bytes, contentType) => {
            await turn();
            return { ...ref, contentType, sizeBytes: bytes.length, sha256: 'abc' } as never;
          },
        };
        return collectGeneration(deps, subject);
      }
      case 'callback': {
        const path = parseCallbackPath(new URL(subject).pathname);
        if (path === undefined) throw new Error(`Not a callback URL: ${subject}`);
        await receiveCallback(
          {
            deployment: 'shop',
            secrets: async () => parameters.callbackSecrets,
            renewedSecrets: async () => parameters.callbackSecrets,
            generations,
            callbacks: createCallbackNotes(table, { noteChange: () => undefined }),
            hints: createTaskHints(table),
            startCollecting: shared.collect,
            moment: () => ({ now: clock().toISOString(), durations }),
          },
          path,
          () => '',
        );
        return;
      }
      default:
        await reconcile({
          ...shared,
          generations: { ...generations, waiting },
          moment: () => ({ now: clock().toISOString(), durations }),
          remainingMs: () => 60_000,
          stepOver: createStepOver({ first: durations.look / 2, longest: durations.lookMax }),
        });
    }
  }

  /** A table that loses answers now and then. The client sends the request again, and hears the second answer. */
  #resending(table: Table): Table {
    const client = {
      send: async (command: Command<object, unknown>) => {
        const answer = await table.client.send(command);
        return this.#isOnePercentOf(this.#options.resendPercent) ? table.client.send(command) : answer;
      },
    };
    return { ...table, client: client as unknown as Table['client'] };
  }

  #wiro(
    turn: () => Promise<void>,
  ): Pick<WiroClient, 'run' | 'task' | 'tasks' | 'model' | 'upload' | 'cancel' | 'kill'> {
    const show = (task: SimulatedTask): Task => ({
      id: task.id,
      status: task.isRunning ? 'task_start' : 'task_postprocess_end',
      end: task.isRunning ? 'unfinished' : 'succeeded',
      createdAtSeconds: task.createdAtSeconds,
      callbackUrl: task.callbackUrl,
      outputs: [{ kind: 'raw', content: 'done' }],
    });
    const none = () => Promise.reject(new Error('not asked for'));
    return {
      run: async (request) => {
        await turn();
        return this.#run(request);
      },
      task: async (ref) => {
        await turn();
        const task = this.tasks.find(({ id }) => 'taskId' in ref && id === ref.taskId);
        return task && show(task);
      },
      model: async () => undefined,
      tasks: async ({ start, limit }) => {
        await turn();
        const rows = this.tasks
          .toReversed()
          .slice(start, start + limit)
          .map(show);
        return { tasks: rows, rows: rows.length, total: this.tasks.length };
      },
      upload: none,
      cancel: none,
      kill: none,
    };
  }

  #run({ callbackUrl }: RunRequest): RunOutcome {
    const generation = parseCallbackPath(new URL(callbackUrl).pathname)?.generationId ?? '';
    if (this.#isOnePercentOf(this.#options.invalidPercent))
      return { kind: 'notRun', reason: 'invalid', message: 'Request parameter [x] required', why: 'x' };
    if (this.tasks.filter(({ isRunning }) => isRunning).length >= this.#options.limit) {
      this.refusals.set(generation, (this.refusals.get(generation) ?? 0) + 1);
      return {
        kind: 'notRun',
        reason: 'concurrencyLimit',
        message: 'too many',
        why: 'x',
        limit: this.#options.limit,
      };
    }
    const id = `task-${this.tasks.length + 1}`;
    this.tasks.push({
      id,
      generation,
      callbackUrl,
      createdAtSeconds: Math.floor(this.#now / 1_000),
      isRunning: true,
    });
    if (this.#isOnePercentOf(this.#options.lostAnswerPercent))
      return { kind: 'unknown', message: 'socket hang up' };
    return { kind: 'ran', taskId: id };
  }
}
