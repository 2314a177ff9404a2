import { createHash } from 'node:crypto';
import { parseCallbackUrl } from '../../../functions/generation/callback-url.ts';
import { type Generation, hasEnded, type Output } from '../../../functions/generation/generation.ts';
import { generationId } from '../../../functions/request/identity.ts';
import { readable } from '../../../functions/store/stored-version.ts';
import { TABLE } from '../../../functions/store/table.ts';
import { createUsageReader } from '../../../functions/store/usage-reader.ts';
import { createMemoryTable, type Item } from '../../store/memory-table.ts';
import type { BusAnswer, Door, S3Answer, Script } from './script.ts';
import { OUTPUT_BUCKET, type System } from './system.ts';
import type { WiroTask } from './wiro.ts';

/** A promise that was not kept, for one generation or for all. */
export interface Broken {
  readonly id: string;
  readonly why: string;
}

const STATE = /^generation#(\S+) state$/;
const stateOf = (item: Item): Generation => readable(item, 'a state') as unknown as Generation;
const MINUTE = 60_000;
/** So long `reconcile` may be kept from coming, by the few kills that a script has for it. */
const LATEST_MS = 5 * MINUTE;

/** Watches a run and says which promises it broke. */
export class Judge {
  readonly broken: Broken[] = [];
  readonly #system: System;
  readonly #script: Script;
  /** What somebody must be told of. */
  /** The revision of each at which its record was last looked at. */
  readonly #watched = new Map<string, number>();
  readonly #announced = new Map<string, string>();

  constructor(system: System, script: Script) {
    this.#system = system;
    this.#script = script;
    system.onMinute = () => this.#watch();
    system.onWrite = (name, item, before) => this.#see(name, item, before);
  }

  states(): readonly Generation[] {
    const { items } = this.#system;
    return [...items].flatMap(([name, item]) => (STATE.test(name) ? [stateOf(item)] : []));
  }

  /** Nothing is left to be done, and nothing more can come. */
  isAllOver(): boolean {
    const { items, time } = this.#system;
    if (time.next() !== undefined || items.size === 0) return false;
    return this.states().every(
      (state) => hasEnded(state) && (state.dueAt === undefined || this.#isAlarmed(state.id)),
    );
  }

  #see(name: string, item: Item, before: Item | undefined): void {
    const id = STATE.exec(name)?.[1];
    if (id === undefined) return;
    const state = stateOf(item);
    for (const { eventId } of state.announcements) this.#announced.set(eventId, id);
    // Whether it is announced or not: an end that nobody is told of is as good as lost.
    if (hasEnded(state)) this.#announced.set(`${id}.${state.attempt}.${state.status}`, id);
    const [count, earlier] = [troubles(item), troubles(before)];
    if (count > earlier) this.#judgeSetback(id, String((item.trouble as { code?: unknown }).code));
  }

  /** Whoever notes a setback says so in a line with the id, before or after, but within its own invocation. */
  #judgeSetback(id: string, code: string): void {
    const { time, lines } = this.#system;
    const from = time.now - 16 * MINUTE;
    time.after(MINUTE, () => {
      const isTold = lines.some(
        ({ at, level, facts }) => at >= from && facts.generationId === id && /WARN|ERROR/.test(level),
      );
      if (!isTold) this.#break(id, `a setback (${code}) left no WARN or ERROR line with its id`);
    });
  }

  /** Every minute, whoever is not finished says what it waits for, and when it goes on. */
  async #watch(): Promise<void> {
    const { time } = this.#system;
    for (const state of this.states()) {
      const { id, revision, updatedAt, status } = state;
      if (hasEnded(state) || this.#watched.get(id) === revision) continue;
      // One that is being submitted this moment, or is about to be, waits for nothing.
      if (isAtWork(state) && Date.parse(updatedAt) + 2 * MINUTE > time.now) continue;
      this.#watched.set(id, revision);
      const record = await this.#system.observe(id);
      const waitingFor = record?.waitingFor as { message?: string; nextTryAt?: string } | undefined;
      if (!waitingFor?.message)
        this.#break(id, `is ${status}, and its record does not say what it waits for`);
      else if (!(Date.parse(String(waitingFor.nextTryAt)) >= time.now - LATEST_MS))
        this.#break(
          id,
          `is ${status}, and its record says that it goes on at ${waitingFor.nextTryAt}, which is over`,
        );
    }
  }

  /** What must hold once nothing moves any more, or time is up. */
  async afterAll(): Promise<void> {
    for (const state of this.states()) this.#judgeEnd(state);
    const gate = this.#system.items.get('gate gate') ?? {};
    for (const name of ['slots', 'unanswered', 'waitingSince'])
      if (gate[name] !== undefined && this.states().every(hasEnded))
        this.#break('gate', `${name} is not empty: ${[...(gate[name] as Iterable<string>)].join('')}`);
    for (const [eventId, id] of this.#announced) {
      const isTold = this.#system.told.some(({ detail }) => detail.eventId === eventId);
      if (!isTold && !(this.#isHardToTell && this.#isAlarmed(id)))
        this.#break(id, `nobody was told of ${eventId}, and no alarm was raised`);
    }
    this.#judgeTasks();
    await this.#judgeUsage();
    for (const [index, { door }] of this.#script.generations.entries())
      if (!this.#isAnswered(door, index)) this.#break('doors', `nothing came of number ${index}, a ${door}`);
  }

  /** Accepted, rejected where its owner looks, or given up with an alarm: a client of the API is answered anyway. */
  #isAnswered(door: Door, index: number): boolean {
    const { items, told, objects, deadLetters } = this.#system;
    const has = (origin: 's3' | 'event') =>
      items.has(`generation#${generationId('shop', origin, JSON.stringify(['key', `key-${index}`]))} state`);
    const stands = (part: string) => [...objects.stored.keys()].some((key) => key.includes(part));
    const isGivenUp = (part: string) => deadLetters.some((event) => event.includes(part));
    switch (door) {
      case 'api':
        return true;
      case 'file':
        return has('s3') || stands(`/rejected/r${index}.json`) || isGivenUp(`requests/r${index}.json`);
      case 'drop':
        return (
          stands(`-p${index}.png-`) || this.#isDropped(index) || isGivenUp(`uploads/portraits/p${index}.png`)
        );
      case 'event':
        return (
          has('event') ||
          told.some(({ detail }) => detail.requestEventId === `event-${index}`) ||
          isGivenUp(`"event-${index}"`)
        );
    }
  }

  #isDropped = (index: number): boolean =>
    this.states().some(({ outputFolder }) => outputFolder?.includes(`-p${index}.png-`));

  #judgeEnd(state: Generation): void {
    const adopted = 'task' in state ? state.task?.id : undefined;
    if (this.#system.wiro.tasks.some((task) => task.isStrangers && task.id === adopted))
      this.#break(state.id, `took a stranger's task for its own: ${adopted}`);
    const { id, status } = state;
    if (!hasEnded(state)) {
      this.#break(id, `has not ended: it is ${status}`);
      return;
    }
    if (state.status === 'failed' && !state.error.message) this.#break(id, 'failed without a sentence');
    const isAlarmed = this.#isAlarmed(id);
    if (state.announcements.length > 0 && !isAlarmed)
      this.#break(id, `has announcements left: ${state.announcements.map(({ type }) => type)}`);
    const item = this.#system.items.get(`generation#${id} state`) ?? {};
    if (TABLE.indexes.due.partitionKey in item && !isAlarmed) this.#break(id, 'is due for something still');
    if (state.status === 'succeeded') this.#judgeOutputs(state);
  }

  #judgeOutputs({ id, attempt }: Generation): void {
    for (const output of this.#outputsOf(id, attempt)) {
      const { key, sha256, sizeBytes } = output;
      const stored = this.#system.objects.stored.get(`${OUTPUT_BUCKET}/${key}`);
      if (stored === undefined) this.#break(id, `succeeded, and ${key} is not there`);
      else if (createHash('sha256').update(stored.bytes).digest('hex') !== sha256)
        this.#break(id, `succeeded, and ${key} has another SHA-256 than its record says`);
      else if (sizeBytes === 0 || /^(<html|\{"error)/.test(stored.bytes.toString('latin1')))
        this.#break(id, `succeeded, and ${key} is a host's error page`);
    }
  }

  #outputsOf(id: string, attempt: number): readonly Output[] {
    const item = this.#system.items.get(`generation#${id} outputs#${attempt}`);
    return item === undefined ? [] : (JSON.parse(String(item.body)) as Output[]);
  }

  #judgeTasks(): void {
    const byAttempt = new Map<string, WiroTask[]>();
    for (const task of this.#system.wiro.tasks) {
      const subject = parseCallbackUrl(task.callbackUrl);
      if (task.isStrangers || subject === undefined) continue;
      const name = `${subject.generationId} ${subject.attempt}`;
      byAttempt.set(name, [...(byAttempt.get(name) ?? []), task]);
    }
    for (const [name, tasks] of byAttempt) {
      const [id = '', attempt] = name.split(' ');
      if (tasks.length > 1)
        this.#break(
          id,
          `attempt ${attempt} has ${tasks.length} tasks: ${tasks.map((task) => task.id).join(', ')}`,
        );
    }
  }

  /** Each end that was announced is counted once. One that is still to be announced may be counted already. */
  async #judgeUsage(): Promise<void> {
    const { items } = this.#system;
    const reader = createUsageReader(createMemoryTable(undefined, items));
    const days = new Set([...items.keys()].flatMap((name) => /^usage#(\S+) /.exec(name)?.[1] ?? []));
    let counted = 0;
    for (const day of days)
      for (const row of (await reader.page({ from: day, to: day })).rows)
        counted += row.succeeded + row.failed + row.cancelled;
    const ends = [...this.#announced.keys()].filter((eventId) => !eventId.endsWith('.running')).length;
    const pending = this.states().flatMap(({ announcements }) =>
      announcements.filter(({ type }) => type !== 'Running'),
    ).length;
    if (counted > ends || counted < ends - pending)
      this.#break('usage', `counts ${counted} of ${ends} ends, of which ${pending} are to be announced`);
  }

  #tasksOf(id: string): readonly WiroTask[] {
    return this.#system.wiro.tasks.filter(
      ({ callbackUrl, isStrangers }) => !isStrangers && parseCallbackUrl(callbackUrl)?.generationId === id,
    );
  }

  /** Once everything outside is right again, a plain retry brings in what was paid for, and pays for nothing anew. */
  async collectWhatWasPaid(): Promise<void> {
    const lost = this.states().flatMap((state) => {
      if (state.status === 'succeeded' || !hasEnded(state)) return [];
      const paid = this.#tasksOf(state.id).filter((task) => this.#system.wiro.hasSucceeded(task));
      return paid.some(({ story }) => story.outputs !== 'strangeUrl') ? [state] : [];
    });
    if (lost.length === 0) return;
    this.#system.heal();
    for (const state of lost) {
      const { id } = state;
      // Its record says that nobody knows, and that somebody should look at Wiro first.
      if (state.status === 'failed' && state.error.code === 'submission_unknown') continue;
      const before = this.#tasksOf(id).length;
      const answer = await this.#ask(id);
      if (answer?.statusCode !== 202) {
        this.#break(
          id,
          `was paid for and is ${describeEnd(state)}; its retry was answered ${answer?.statusCode}`,
        );
        continue;
      }
      const until = this.#system.time.now + 24 * 60 * MINUTE;
      const isOver = () =>
        this.states().some((one) => one.id === id && hasEnded(one) && one.dueAt === undefined);
      await this.#system.run(until, isOver);
      const end = this.states().find((one) => one.id === id);
      if (end?.status !== 'succeeded' || this.#tasksOf(id).length > before)
        this.#break(
          id,
          `was paid for and is ${describeEnd(state)}; its retry made ${this.#tasksOf(id).length - before} further tasks and is ${describeEnd(end)}`,
        );
    }
  }

  async #ask(id: string) {
    const asked = this.#system.request('POST', `/generations/${id}/retry`, {});
    let answer: Awaited<typeof asked> | 'open' = 'open';
    void asked.then((given) => {
      answer = given;
    });
    await this.#system.time.rest();
    await this.#system.run(this.#system.time.now + MINUTE, () => answer !== 'open');
    return asked;
  }

  /** An alarm excuses from telling only where some place to tell it does not work. */
  get #isHardToTell(): boolean {
    const { bus, putOutput, results } = this.#script;
    const isRight = (answer: BusAnswer | S3Answer) =>
      answer === 'right' || (typeof answer === 'object' && answer.kind === 'right');
    return (
      results !== 'right' ||
      ![...bus.first, ...bus.ever, ...putOutput.first, ...putOutput.ever].every(isRight)
    );
  }

  #isAlarmed(id: string): boolean {
    return this.#system.lines.some(({ facts }) => facts.alarm !== undefined && facts.generationId === id);
  }

  #break(id: string, why: string): void {
    if (!this.broken.some((one) => one.id === id && one.why === why)) this.broken.push({ id, why });
  }
}

const isAtWork = (state: Generation): boolean =>
  state.status === 'submitting' ||
  (state.status === 'queued' && state.trouble === undefined && !state.waiting);

const troubles = (item: Item | undefined): number =>
  (item?.trouble as { readonly count?: number } | undefined)?.count ?? 0;

export const describeEnd = (state: Generation | undefined): string =>
  state?.status === 'failed' ? `failed (${state.error.code})` : String(state?.status);
