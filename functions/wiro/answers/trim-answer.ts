/** What of a value is kept. Names that a rule for an object does not list are left out, whatever they hold. */
export type Rule =
  | { readonly keep: 'all' }
  /** A text is cut after so many bytes. */
  | { readonly keep: 'cut'; readonly mostBytes: number }
  /** The value is left out if it has more bytes. */
  | { readonly keep: 'small'; readonly mostBytes: number }
  | { readonly fields: Readonly<Record<string, Rule>> }
  | { readonly items: Rule };

/** What is kept of an answer that is too large to be read whole exceeds what can be. */
export class TooMuchKeptError extends Error {
  override readonly name = 'TooMuchKeptError';
}

export interface Trimmer {
  /** The next piece of the answer. @throws {TooMuchKeptError} */
  write(chunk: Uint8Array): void;
  /** The JSON that is left, with everything kept as it came; `''` where the answer is no JSON. */
  end(): string;
}

/** All that is kept of one answer. */
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

/** Outputs whole, for they were paid for. A long `debugoutput` is a log, or says again what a model's answer holds. */
export const TASK_DETAIL = answerWith({
  ...TASK,
  outputs: ALL,
  output: ALL,
  debugerror: { keep: 'cut', mostBytes: 16 * 1024 },
  debugoutput: { keep: 'small', mostBytes: 64 * 1024 },
});

/** What tells whose task a row is. */
export const TASK_LIST = answerWith(TASK);

const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const QUOTE = 0x22;
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isOpening = (byte: number) => byte === 0x7b || byte === 0x5b;
const isClosing = (byte: number) => byte === 0x7d || byte === 0x5d;
/** No name that is kept is longer. */
const LONGEST_NAME = 64;

/** An object or a list of which parts are kept. */
interface Frame {
  readonly rule: Extract<Rule, { readonly fields: unknown } | { readonly items: unknown }>;
  readonly closing: string;
  isEmpty: boolean;
}

/** A value that is kept or left out as it is, without a look at what is in it. */
interface RawValue {
  /** Left out: nothing of it is kept. */
  rule: Rule | undefined;
  depth: number;
  isText: boolean;
  isNumber: boolean;
  /** Within a text: bytes that are left of an escape. */
  escapeLeft: number;
  sizeBytes: number;
  isCut: boolean;
  /** The pieces of what may still be left out. */
  held: Buffer[];
  prefix: string;
}

type Place = 'value' | 'name' | 'inName' | 'colon' | 'raw' | 'after' | 'end' | 'broken';

/**
 * Reads JSON in pieces, in time in proportion to its size and within bounded memory, and keeps what the rule says.
 * What it keeps is as it came, byte for byte, so that the usual reader reads it: what is no JSON, that one refuses.
 */
export function createTrimmer(rule: Rule, mostKeptBytes = MOST_KEPT_BYTES): Trimmer {
  // One that grows: of many small pieces, each would take more than it holds.
  let kept = Buffer.allocUnsafe(64 * 1024);
  let keptBytes = 0;
  const frames: Frame[] = [];
  let place: Place = 'value';
  let next: Rule | undefined = rule;
  let prefix = '';
  let name: number[] = [];
  let isNameEscaped = false;
  let raw: RawValue | undefined;

  function keep(bytes: Uint8Array): void {
    const needed = keptBytes + bytes.length;
    if (needed > mostKeptBytes)
      throw new TooMuchKeptError(`what is needed of its answer exceeds ${mostKeptBytes} bytes`);
    if (needed > kept.length) {
      const more = Buffer.allocUnsafe(Math.max(needed, 2 * kept.length));
      kept.copy(more, 0, 0, keptBytes);
      kept = more;
    }
    kept.set(bytes, keptBytes);
    keptBytes = needed;
  }

  /** Puts a comma, and a name, before the next value that is kept. */
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
      enter();
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
    place = 'raw';
  }

  /** To the first, or next, part of the innermost object or list. */
  function enter(): void {
    const frame = frames.at(-1);
    if (frame === undefined) {
      place = 'end';
    } else if ('fields' in frame.rule) {
      place = 'name';
    } else {
      place = 'value';
      next = frame.rule.items;
      prefix = '';
    }
  }

  function leave(byte: number): void {
    const frame = frames.pop();
    if (frame === undefined || frame.closing !== String.fromCharCode(byte)) {
      place = 'broken';
      return;
    }
    keep(Buffer.from(frame.closing));
    place = frames.length === 0 ? 'end' : 'after';
  }

  /** Takes a piece of a raw value. @returns Where it ends in the chunk: there, or at the chunk's end. */
  function takeRaw(chunk: Uint8Array, start: number, value: RawValue): number {
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
          // Between two characters, not within one.
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
    take(chunk.subarray(start, cutAt < 0 ? at : cutAt), value);
    value.isCut ||= cutAt >= 0;
    if (isEnded) finish(value);
    return at;
  }

  function take(bytes: Uint8Array, value: RawValue): void {
    value.sizeBytes += bytes.length;
    const { rule: of } = value;
    if (of === undefined || !('keep' in of) || value.isCut) return;
    if (of.keep !== 'small') {
      keep(bytes);
    } else if (value.sizeBytes <= of.mostBytes) {
      // A copy: of a large chunk that is kept in part, the rest is let go.
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
    place = frames.length === 0 ? 'end' : 'after';
  }

  function nameEnds(): void {
    const text = name.length > LONGEST_NAME ? '' : Buffer.from(name).toString('utf8');
    const frame = frames.at(-1);
    const { fields } = frame !== undefined && 'fields' in frame.rule ? frame.rule : { fields: {} };
    next = Object.hasOwn(fields, text) ? fields[text] : undefined;
    prefix = `"${text}":`;
    place = 'colon';
  }

  function readName(byte: number): void {
    if (!isNameEscaped && byte === QUOTE) {
      nameEnds();
      return;
    }
    isNameEscaped = !isNameEscaped && byte === BACKSLASH;
    // What is longer, or needs an escape, is no name of ours.
    if (name.length <= LONGEST_NAME) name.push(byte);
  }

  /** White space, or the mark that a text in UTF-8 may begin with. */
  const isBlank = (byte: number) => isSpace(byte) || (frames.length === 0 && byte >= 0x80);

  /** A byte between values. */
  function step(byte: number): void {
    if ((place === 'name' || place === 'after' || place === 'value') && isClosing(byte)) leave(byte);
    else if (place === 'name' && byte === QUOTE) {
      name = [];
      place = 'inName';
    } else if (place === 'colon' && byte === COLON) place = 'value';
    else if (place === 'after' && byte === COMMA) enter();
    else place = 'broken';
  }

  return {
    write(chunk) {
      for (let at = 0; at < chunk.length && place !== 'broken'; ) {
        const byte = chunk[at] ?? 0;
        if (raw === undefined && place === 'value' && !isBlank(byte) && !isClosing(byte)) begin(byte);
        else if (raw === undefined && place === 'inName') readName(byte);
        else if (raw === undefined && !isBlank(byte)) step(byte);
        at = raw === undefined ? at + 1 : takeRaw(chunk, at, raw);
      }
    },
    end() {
      // A number alone is ended by nothing.
      if (raw?.isNumber && frames.length === 0) finish(raw);
      return place === 'end' ? kept.toString('utf8', 0, keptBytes) : '';
    },
  };
}
