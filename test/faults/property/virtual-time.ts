/** Something that happens at a moment, unless it is called off before. */
export interface Appointment {
  cancel(): void;
}

interface Entry {
  readonly at: number;
  readonly order: number;
  act: (() => void) | undefined;
}

/**
 * A clock that jumps from one appointment to the next, once everything that the last one set going has come to rest.
 * Days pass in milliseconds, and the same appointments give the same run.
 */
export class VirtualTime {
  now = Date.UTC(2026, 0, 1);
  readonly #begun = this.now;
  readonly #queue: Entry[] = [];
  #made = 0;
  #stirred = 0;

  /** Milliseconds since the beginning, as a clock that nobody sets counts them. */
  get elapsedMs(): number {
    return this.now - this.#begun;
  }

  after(milliseconds: number, act: () => void): Appointment {
    this.stir();
    const wait = Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : 0;
    const entry: Entry = { at: this.now + wait, order: this.#made++, act };
    this.#push(entry);
    return {
      cancel: () => {
        entry.act = undefined;
      },
    };
  }

  /** When the next appointment is; `undefined` when there is none. */
  next(): number | undefined {
    while (this.#queue[0] !== undefined && this.#queue[0].act === undefined) this.#pop();
    return this.#queue[0]?.at;
  }

  /** Keeps the next appointment, and waits until nothing moves any more. */
  async keepNext(): Promise<void> {
    if (this.next() === undefined) return;
    const entry = this.#pop();
    if (entry === undefined) return;
    this.now = Math.max(this.now, entry.at);
    entry.act?.();
    await this.rest();
  }

  /** Lets the clock stand at a moment at which nothing is due before. */
  passTo(moment: number): void {
    this.now = Math.max(this.now, moment);
  }

  /** Says that something moved, so that `rest` waits for what comes of it. */
  stir(): void {
    this.#stirred += 1;
  }

  /** Waits until a whole turn of the event loop brings nothing new. */
  async rest(): Promise<void> {
    for (let before = -1; before !== this.#stirred; ) {
      before = this.#stirred;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #push(entry: Entry): void {
    const queue = this.#queue;
    queue.push(entry);
    for (let at = queue.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!isBefore(queue[at], queue[parent])) break;
      swap(queue, at, parent);
      at = parent;
    }
  }

  #pop(): Entry | undefined {
    const queue = this.#queue;
    const first = queue[0];
    const last = queue.pop();
    if (first === undefined || last === undefined || queue.length === 0) return first;
    queue[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const least = isBefore(queue[right], queue[left]) ? right : left;
      if (!isBefore(queue[least], queue[at])) return first;
      swap(queue, at, least);
      at = least;
    }
  }
}

function isBefore(one: Entry | undefined, other: Entry | undefined): boolean {
  if (one === undefined || other === undefined) return one !== undefined;
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

function swap(queue: Entry[], one: number, other: number): void {
  const [a, b] = [queue[one], queue[other]];
  if (a === undefined || b === undefined) return;
  queue[one] = b;
  queue[other] = a;
}
