import { extendField, RequestError } from '../generation/errors.ts';
import { checkJson } from './check-json.ts';
import { gatherProblems, type Problems } from './problems.ts';
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
/** Each is looked at in S3 before a request is accepted or refused. */
const MOST_SOURCES_TOGETHER = 200;
const MOST_LABELS = 20;
const LONGEST_LABEL = 256;

/**
 * Checks a request's form.
 * @param value - What the JSON said.
 * @param path - Put before every field that an error names, such as `[3].`.
 * @throws {RequestError} With everything that is wrong, naming the fields and the remedies.
 */
export function parseRequest(value: unknown, rules: SourceRules, path = ''): GenerationRequest {
  const whole = path === '' ? 'The request' : path.replace(/\.$/, '');
  if (!isRecord(value)) {
    throw new RequestError(
      'invalid_request',
      `${whole} must be a JSON object: {"model": "owner/project", "parameters": {…}}.`,
    );
  }
  const problems = gatherProblems();
  problems.check(() => checkJson(value, path));
  for (const name of Object.keys(value)) problems.check(() => checkField(name, path));
  const parameters = parseParameters(value.parameters, `${path}parameters`, problems);
  const inputs = parseInputs(value.inputs, `${path}inputs`, rules, problems);
  for (const name of Object.keys(inputs))
    if (Object.hasOwn(parameters, name)) problems.check(() => refuseTwice(`${path}parameters.${name}`));
  const idempotencyKey = problems.check(() =>
    parseIdempotencyKey(value.idempotencyKey, `${path}idempotencyKey`),
  );
  const model = problems.check(() => parseModel(value.model, `${path}model`));
  const labels = parseLabels(value.labels, `${path}labels`, problems);
  problems.throwAny();
  return {
    model: model ?? '',
    parameters,
    inputs,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    labels,
  };
}

function checkField(name: string, path: string): void {
  if (FIELDS.includes(name)) return;
  throw new RequestError(
    'invalid_request',
    `${path}${name} is not known: a request has ${FIELDS.join(', ')}.`,
    `${path}${name}`,
  );
}

function refuseTwice(field: string): never {
  throw new RequestError('invalid_parameter', `${field} is given as an input too: keep one of them.`, field);
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

function parseParameters(
  value: unknown,
  field: string,
  problems: Problems,
): Readonly<Record<string, unknown>> {
  if (value === undefined) return {};
  const parameters = problems.check(() => requireRecord(value, field, 'an object'));
  for (const name of Object.keys(parameters ?? {})) problems.check(() => checkName(name, `${field}.${name}`));
  return parameters ?? {};
}

function parseInputs(
  value: unknown,
  field: string,
  rules: SourceRules,
  problems: Problems,
): GenerationRequest['inputs'] {
  if (value === undefined) return {};
  const inputs = problems.check(() =>
    requireRecord(value, field, 'an object: {"<file parameter>": source or [source, …]}'),
  );
  const entries = Object.entries(inputs ?? {});
  const isTaken = problems.check(() => {
    requireFewSources(entries, field);
    return true;
  });
  if (!isTaken) return {};
  return Object.fromEntries(
    entries.map(([name, given]) => {
      const at = extendField(field, `.${name}`);
      problems.check(() => checkName(name, at));
      const sources = problems.check(() => sourcesIn(given, at)) ?? [];
      return [
        name,
        sources.flatMap((text, index) => {
          const one = Array.isArray(given) ? `${at}[${index}]` : at;
          return problems.check(() => parseWritten(text, one, rules)) ?? [];
        }),
      ];
    }),
  );
}

function requireFewSources(entries: readonly (readonly [string, unknown])[], field: string): void {
  const count = entries.reduce((sum, [, given]) => sum + (Array.isArray(given) ? given.length : 1), 0);
  if (count <= MOST_SOURCES_TOGETHER) return;
  throw new RequestError(
    'invalid_parameter',
    `${field} has ${count} sources; a request has at most ${MOST_SOURCES_TOGETHER} together: leave some out, or split it into several requests.`,
    field,
  );
}

function sourcesIn(given: unknown, field: string): readonly unknown[] {
  const sources: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (sources.length >= 1 && sources.length <= MOST_SOURCES) return sources;
  throw new RequestError('invalid_parameter', `${field} must have 1 to ${MOST_SOURCES} sources.`, field);
}

function parseWritten(text: unknown, field: string, rules: SourceRules): WrittenSource {
  if (typeof text === 'string') return { text, source: parseSource(text, field, rules) };
  throw new RequestError(
    'invalid_parameter',
    `${field} must be text: s3://bucket/key, a key in the input bucket, or an https:// URL.`,
    field,
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
  const reason = RESERVED.get(name.toLowerCase());
  if (reason !== undefined) throw new RequestError('invalid_parameter', `${field} ${reason}.`, field);
}

function parseIdempotencyKey(value: unknown, field: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.length >= 1 && value.length <= 256) return value;
  throw new RequestError('invalid_parameter', `${field} must be text of 1 to 256 characters.`, field);
}

/** Names and texts are the user's own: any will do, as long as they are not too long to be carried around. */
function parseLabels(value: unknown, field: string, problems: Problems): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const given = problems.check(() => requireRecord(value, field, 'an object of texts'));
  const labels = Object.entries(given ?? {});
  problems.check(() => {
    if (labels.length > MOST_LABELS)
      throw new RequestError(
        'invalid_parameter',
        `${field} must have at most ${MOST_LABELS} entries.`,
        field,
      );
  });
  // Not assigned one by one: `__proto__` is a name like any other.
  return Object.fromEntries(
    labels.flatMap(([name, label]) => {
      const text = problems.check(() => parseLabel(name, label, `${field}.${name}`));
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

function parseLabel(name: string, label: unknown, field: string): string {
  const refuse = (sentence: string) => new RequestError('invalid_parameter', `${field} ${sentence}`, field);
  if (name.length > LONGEST_LABEL)
    throw refuse(`has a name that is too long: at most ${LONGEST_LABEL} characters are kept.`);
  if (typeof label !== 'string' || label.length > LONGEST_LABEL)
    throw refuse(`must be text of at most ${LONGEST_LABEL} characters.`);
  return label;
}

function requireRecord(value: unknown, field: string, wanted: string): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw new RequestError('invalid_parameter', `${field} must be ${wanted}.`, field);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
