/** Which part of a value to keep. A rule for an object drops every name that it does not list. */
export type Rule =
  | { readonly keep: 'all' }
  /** Truncates a text to `mostBytes`. */
  | { readonly keep: 'cut'; readonly mostBytes: number }
  /** Drops the value if it has more than `mostBytes`. */
  | { readonly keep: 'small'; readonly mostBytes: number }
  | { readonly fields: Readonly<Record<string, Rule>> }
  | { readonly items: Rule };

/** The kept part of a large answer exceeds the limit. */
export class TooMuchKeptError extends Error {
  override readonly name = 'TooMuchKeptError';
}

export interface Trimmer {
  /** Reads the next chunk of the answer. @throws {TooMuchKeptError} */
  write(chunk: Uint8Array): void;
  /** Returns the trimmed JSON, or `''` if the answer is not JSON. Kept values are unchanged, byte for byte. */
  end(): string;
}

/** The limit for the kept part of one answer. */
export const MOST_KEPT_BYTES = 8 * 1024 * 1024;

const ALL: Rule = { keep: 'all' };
const TASK: Readonly<Record<string, Rule>> = Object.fromEntries(
  [
    ...['id', 'taskid', 'status', 'pexit', 'socketaccesstoken', 'tasktoken', 'callbackurl', 'callbackUrl'],
    ...['createtime', 'totalcost', 'elapsedseconds', 'modelslugowner', 'modelslugproject'],
  ].map((name) => [name, ALL]),
);
const answerWith = (task: Readonly<Record<string, Rule>>): Rule => ({
  fields: { result: ALL, errors: ALL, total: ALL, tasklist: { items: { fields: task } } },
});

/** Keeps outputs whole, because they are paid for. A long `debugoutput` is a log, or repeats a model's answer. */
export const TASK_DETAIL = answerWith({
  ...TASK,
  outputs: ALL,
  output: ALL,
  debugerror: { keep: 'cut', mostBytes: 16 * 1024 },
  debugoutput: { keep: 'small', mostBytes: 64 * 1024 },
});

/** Keeps the fields that identify a row's task. */
export const TASK_LIST = answerWith(TASK);

const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const QUOTE = 0x22;
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isOpening = (byte: number) => byte === 0x7b || byte === 0x5b;
const isClosing = (byte: number) => byte === 0x7d || byte === 0x5d;
/** Longer than any name in a rule. */
const LONGEST_NAME = 64;

/** An open object or list whose members are filtered by the rule. */
interface Frame {
  readonly rule: Extract<Rule, { readonly fields: unknown } | { readonly items: unknown }>;
  readonly closing: string;
  isEmpty: boolean;
}

/** A value that is kept or dropped as a whole, or truncated, without filtering its members. */
interface RawValue {
  /** `undefined` drops the value. */
  rule: Rule | undefined;
  depth: number;
  isText: boolean;
  isNumber: boolean;
  /** Within a text: remaining bytes of an escape. */
  escapeLeft: number;
  sizeBytes: number;
  isCut: boolean;
  /** Chunks of a value that may still exceed its limit and be dropped. */
  held: Buffer[];
  prefix: string;
}

/** What the parser expects next, or is inside of. */
type ParserState = 'value' | 'name' | 'inName' | 'colon' | 'raw' | 'after' | 'end' | 'broken';

/**
 * Creates a parser that reads JSON in chunks and keeps the parts that the rule selects. It needs linear time and
 * bounded memory. Kept values are copied byte for byte and not validated: `JSON.parse` does that afterwards.
 */
export function createTrimmer(rule: Rule, mostKeptBytes = MOST_KEPT_BYTES): Trimmer {
  // One growing buffer: a list of many small buffers would have more overhead than content.
  let kept = Buffer.allocUnsafe(64 * 1024);
  let keptBytes = 0;
  const frames: Frame[] = [];
  let state: ParserState = 'value';
  let next: Rule | undefined = rule;
  let prefix = '';
  let name: number[] = [];
  let isNameEscaped = false;
  let raw: RawValue | undefined;

  function keep(bytes: Uint8Array): void {
    const needed = keptBytes + bytes.length;
    if (needed > mostKeptBytes)
      throw new TooMuchKeptError(`the needed part of its answer exceeds ${mostKeptBytes} bytes`);
    if (needed > kept.length) {
      const more = Buffer.allocUnsafe(Math.max(needed, 2 * kept.length));
      kept.copy(more, 0, 0, keptBytes);
      kept = more;
    }
    kept.set(bytes, keptBytes);
    keptBytes = needed;
  }

  /** Writes the comma and the name that precede the next kept value. */
  const keepPrefix = (text: string) => {
    const frame = frames.at(-1);
    keep(Buffer.from(`${frame === undefined || frame.isEmpty ? '' : ','}${text}`));
    if (frame) frame.isEmpty = false;
  };

  function begin(byte: number): void {
    const isObject = byte === 0x7b && next !== undefined && 'fields' in next;
    const isList = byte === 0x5b && next !== undefined && 'items' in next;
    if (next !== undefined && !('keep' in next) && (isObject || isList)) {
      keepPrefix(`${prefix}${isObject ? '{' : '['}`);
      frames.push({ rule: next, closing: isObject ? '}' : ']', isEmpty: true });
      expectMember();
      return;
    }
    raw = {
      rule: next === undefined || 'keep' in next ? next : ALL,
      depth: 0,
      isText: false,
      isNumber: byte !== QUOTE && !isOpening(byte),
      escapeLeft: 0,
      sizeBytes: 0,
      isCut: false,
      held: [],
      prefix,
    };
    if (raw.rule !== undefined && 'keep' in raw.rule && raw.rule.keep !== 'small') keepPrefix(prefix);
    state = 'raw';
  }

  /** Expects the first or next member of the innermost object or list. */
  function expectMember(): void {
    const frame = frames.at(-1);
    if (frame === undefined) {
      state = 'end';
    } else if ('fields' in frame.rule) {
      state = 'name';
    } else {
      state = 'value';
      next = frame.rule.items;
      prefix = '';
    }
  }

  function leave(byte: number): void {
    const frame = frames.pop();
    if (frame === undefined || frame.closing !== String.fromCharCode(byte)) {
      state = 'broken';
      return;
    }
    keep(Buffer.from(frame.closing));
    state = frames.length === 0 ? 'end' : 'after';
  }

  /** Reads the part of a raw value in this chunk. @returns The index after it. */
  function readRaw(chunk: Uint8Array, start: number, value: RawValue): number {
    let at = start;
    let isOver = false;
    const { rule: of } = value;
    const mostBytes = of !== undefined && 'keep' in of && of.keep === 'cut' ? of.mostBytes : Infinity;
    let cutAt = -1;
    for (; at < chunk.length && !isOver; at += 1) {
      const byte = chunk[at] ?? 0;
      if (value.isText) {
        if (value.escapeLeft > 0) {
          value.escapeLeft = value.escapeLeft === 1 && byte === 0x75 ? 4 : value.escapeLeft - 1;
        } else if (byte === QUOTE) {
          value.isText = false;
          isOver = value.depth === 0;
        } else {
          // Cut between characters, not inside a multi-byte one.
          const isLong = value.depth === 0 && value.sizeBytes + at - start >= mostBytes;
          if (isLong && !value.isCut && cutAt < 0 && (byte & 0xc0) !== 0x80) cutAt = at;
          if (byte === BACKSLASH) value.escapeLeft = 1;
        }
      } else if (value.isNumber) {
        if (isSpace(byte) || byte === COMMA || isClosing(byte)) break;
      } else if (byte === QUOTE) {
        value.isText = true;
      } else if (isOpening(byte)) {
        value.depth += 1;
      } else if (isClosing(byte)) {
        value.depth -= 1;
        isOver = value.depth === 0;
      }
    }
    const isEnded = isOver || (value.isNumber && at < chunk.length);
    append(chunk.subarray(start, cutAt < 0 ? at : cutAt), value);
    value.isCut ||= cutAt >= 0;
    if (isEnded) finish(value);
    return at;
  }

  function append(bytes: Uint8Array, value: RawValue): void {
    value.sizeBytes += bytes.length;
    const { rule: of } = value;
    if (of === undefined || !('keep' in of) || value.isCut) return;
    if (of.keep !== 'small') {
      keep(bytes);
    } else if (value.sizeBytes <= of.mostBytes) {
      // Copy the bytes, so that the rest of a large chunk can be freed.
      value.held.push(Buffer.from(bytes));
    } else {
      value.rule = undefined;
      value.held = [];
    }
  }

  function finish(value: RawValue): void {
    if (value.isCut) keep(Buffer.from('"'));
    if (value.rule !== undefined && 'keep' in value.rule && value.rule.keep === 'small') {
      keepPrefix(value.prefix);
      for (const bytes of value.held) keep(bytes);
    }
    raw = undefined;
    state = frames.length === 0 ? 'end' : 'after';
  }

  function endName(): void {
    const text = name.length > LONGEST_NAME ? '' : Buffer.from(name).toString('utf8');
    const frame = frames.at(-1);
    const { fields } = frame !== undefined && 'fields' in frame.rule ? frame.rule : { fields: {} };
    next = Object.hasOwn(fields, text) ? fields[text] : undefined;
    prefix = `"${text}":`;
    state = 'colon';
  }

  function readName(byte: number): void {
    if (!isNameEscaped && byte === QUOTE) {
      endName();
      return;
    }
    isNameEscaped = !isNameEscaped && byte === BACKSLASH;
    // A longer or escaped name is in no rule.
    if (name.length <= LONGEST_NAME) name.push(byte);
  }

  /** White space, or a byte order mark at the start. */
  const isBlank = (byte: number) => isSpace(byte) || (frames.length === 0 && byte >= 0x80);

  /** Handles a byte outside of names and values. */
  function step(byte: number): void {
    if ((state === 'name' || state === 'after' || state === 'value') && isClosing(byte)) leave(byte);
    else if (state === 'name' && byte === QUOTE) {
      name = [];
      state = 'inName';
    } else if (state === 'colon' && byte === COLON) state = 'value';
    else if (state === 'after' && byte === COMMA) expectMember();
    else state = 'broken';
  }

  return {
    write(chunk) {
      for (let at = 0; at < chunk.length && state !== 'broken'; ) {
        const byte = chunk[at] ?? 0;
        if (raw === undefined && state === 'value' && !isBlank(byte) && !isClosing(byte)) begin(byte);
        else if (raw === undefined && state === 'inName') readName(byte);
        else if (raw === undefined && !isBlank(byte)) step(byte);
        at = raw === undefined ? at + 1 : readRaw(chunk, at, raw);
      }
    },
    end() {
      // No delimiter follows a number at the top level.
      if (raw?.isNumber && frames.length === 0) finish(raw);
      return state === 'end' ? kept.toString('utf8', 0, keptBytes) : '';
    },
  };
}
