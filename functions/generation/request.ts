import { checkJson } from './check-json.ts';
import { RequestError } from './errors.ts';
import { parseSource, type Source, type SourceRules } from './source.ts';

/** A request as its user wrote it, checked for form; nothing outside was asked yet. */
export interface GenerationRequest {
  /** `owner/project`. */
  readonly model: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** By file parameter; each source as written and as read. */
  readonly inputs: Readonly<Record<string, readonly WrittenSource[]>>;
  readonly idempotencyKey?: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface WrittenSource {
  readonly text: string;
  readonly source: Source;
}

const FIELDS = ['model', 'parameters', 'inputs', 'idempotencyKey', 'labels'];
/** Not for users to set, and why. */
const RESERVED: ReadonlyMap<string, string> = new Map([
  ['callbackurl', 'is set by this deployment: leave it out, and listen to its events instead'],
  // A task of another project is not on the list of ours: a Run whose answer is lost could not be searched for.
  [
    'projectid',
    'would put the task into another Wiro project, where this deployment cannot find it: leave it out',
  ],
]);
const NAME = /^[A-Za-z0-9_.-]{1,128}$/;
const MOST_SOURCES = 100;
const MOST_LABELS = 20;
const LONGEST_LABEL = 256;

/**
 * Checks a request's form.
 * @param value - What the JSON said.
 * @param path - Put before every field that an error names, such as `[3].`.
 * @throws {RequestError} For the first thing that is wrong, naming the field and the remedy.
 */
export function parseRequest(value: unknown, rules: SourceRules, path = ''): GenerationRequest {
  const whole = path === '' ? 'The request' : path.replace(/\.$/, '');
  if (!isRecord(value)) {
    throw new RequestError(
      'invalid_request',
      `${whole} must be a JSON object: {"model": "owner/project", "parameters": {…}}.`,
    );
  }
  checkJson(value, path);
  for (const name of Object.keys(value)) {
    if (!FIELDS.includes(name)) {
      throw new RequestError(
        'invalid_request',
        `${path}${name} is not known: a request has ${FIELDS.join(', ')}.`,
        `${path}${name}`,
      );
    }
  }
  const parameters = parseParameters(value.parameters, `${path}parameters`);
  const inputs = parseInputs(value.inputs, `${path}inputs`, rules);
  for (const name of Object.keys(inputs)) {
    if (Object.hasOwn(parameters, name)) {
      const field = `${path}parameters.${name}`;
      throw new RequestError(
        'invalid_parameter',
        `${field} is given as an input too: keep one of them.`,
        field,
      );
    }
  }
  const idempotencyKey = parseIdempotencyKey(value.idempotencyKey, `${path}idempotencyKey`);
  return {
    model: parseModel(value.model, `${path}model`),
    parameters,
    inputs,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    labels: parseLabels(value.labels, `${path}labels`),
  };
}

function parseModel(value: unknown, field: string): string {
  if (typeof value === 'string' && /^[A-Za-z0-9_.-]{1,128}\/[A-Za-z0-9_.-]{1,128}$/.test(value)) {
    const dots = value.split('/').some((part) => /^\.+$/.test(part));
    if (!dots) return value;
  }
  throw new RequestError(
    'invalid_parameter',
    `${field} must be "owner/project", as in the model's address at Wiro.`,
    field,
  );
}

function parseParameters(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (value === undefined) return {};
  if (!isRecord(value)) throw new RequestError('invalid_parameter', `${field} must be an object.`, field);
  for (const name of Object.keys(value)) {
    checkName(name, `${field}.${name}`);
    checkNotReserved(name, `${field}.${name}`);
  }
  return value;
}

function parseInputs(value: unknown, field: string, rules: SourceRules): GenerationRequest['inputs'] {
  if (value === undefined) return {};
  if (!isRecord(value)) {
    throw new RequestError(
      'invalid_parameter',
      `${field} must be an object: {"<file parameter>": source or [source, …]}.`,
      field,
    );
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, given]) => {
      const at = `${field}.${name}`;
      checkName(name, at);
      checkNotReserved(name, at);
      const sources: readonly unknown[] = Array.isArray(given) ? given : [given];
      if (sources.length === 0 || sources.length > MOST_SOURCES) {
        throw new RequestError('invalid_parameter', `${at} must have 1 to ${MOST_SOURCES} sources.`, at);
      }
      return [
        name,
        sources.map((text, index) => {
          const one = Array.isArray(given) ? `${at}[${index}]` : at;
          if (typeof text !== 'string') {
            throw new RequestError(
              'invalid_parameter',
              `${one} must be text: s3://bucket/key, a key in the input bucket, or an https:// URL.`,
              one,
            );
          }
          return { text, source: parseSource(text, one, rules) };
        }),
      ];
    }),
  );
}

function checkName(name: string, field: string): void {
  if (!NAME.test(name) || name === '__proto__') {
    throw new RequestError(
      'invalid_parameter',
      `${field} is not a parameter's name: letters, digits, "_", "-" and "." only.`,
      field,
    );
  }
}

function checkNotReserved(name: string, field: string): void {
  const reason = RESERVED.get(name.toLowerCase());
  if (reason !== undefined) throw new RequestError('invalid_parameter', `${field} ${reason}.`, field);
}

function parseIdempotencyKey(value: unknown, field: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.length >= 1 && value.length <= 256) return value;
  throw new RequestError('invalid_parameter', `${field} must be text of 1 to 256 characters.`, field);
}

function parseLabels(value: unknown, field: string): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isRecord(value))
    throw new RequestError('invalid_parameter', `${field} must be an object of texts.`, field);
  const labels = Object.entries(value);
  if (labels.length > MOST_LABELS) {
    throw new RequestError('invalid_parameter', `${field} must have at most ${MOST_LABELS} entries.`, field);
  }
  return Object.fromEntries(
    labels.map(([name, label]) => {
      const at = `${field}.${name}`;
      checkName(name, at);
      if (typeof label !== 'string' || label.length > LONGEST_LABEL) {
        throw new RequestError(
          'invalid_parameter',
          `${at} must be text of at most ${LONGEST_LABEL} characters.`,
          at,
        );
      }
      return [name, label];
    }),
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
