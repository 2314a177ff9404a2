import { extendField, type GenerationError, RequestError } from '../generation/errors.ts';
import { isRecord } from '../runtime/json.ts';
import { checkJson } from './check-json.ts';
import { readModelName } from './model-name.ts';
import { gatherProblems, type Problems } from './problems.ts';
import { parseSource, type Source, type SourceRules } from './source.ts';

/** A request as written, with its form validated. Model and inputs are not looked up yet. */
export interface GenerationRequest {
  /** `owner/project`. */
  readonly model: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The sources by file parameter, each as written and as parsed. */
  readonly inputs: Readonly<Record<string, readonly WrittenSource[]>>;
  readonly idempotencyKey?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The request is refused if it is known to cost more. Not part of what makes it the same request again. */
  readonly maxCostUsd?: number;
}

/** A request whose form may be wrong: what could be read of it, and what could not. */
export interface ReadRequest {
  /** Without the parts that are wrong. `model` is empty if it is one of them. */
  readonly request: GenerationRequest;
  readonly problems: readonly GenerationError[];
}

export interface WrittenSource {
  readonly text: string;
  readonly source: Source;
}

const FIELDS = ['model', 'parameters', 'inputs', 'idempotencyKey', 'labels', 'maxCostUsd'];
/** Parameters that a request may not set, and why. */
const RESERVED: ReadonlyMap<string, string> = new Map([
  ['callbackurl', 'is set by this deployment: leave it out, and listen to its events instead'],
  // The list of tasks contains only the key's own project, so a lost Run in another project could not be found.
  [
    'projectid',
    'would put the task into another Wiro project, where this deployment cannot find it: leave it out',
  ],
]);
const NAME = /^[A-Za-z0-9_.-]{1,128}$/;
const MOST_SOURCES = 100;
/** Acceptance looks up each source in S3. */
const MOST_SOURCES_TOGETHER = 200;
const MOST_LABELS = 20;
const LONGEST_LABEL = 256;

/**
 * Validates the form of a request.
 * @param value - The parsed JSON.
 * @param path - Prefix for every field that an error names, for example `[3].`.
 * @throws {RequestError} With all problems, their fields and their remedies.
 */
export function parseRequest(value: unknown, rules: SourceRules, path = ''): GenerationRequest {
  const { request, problems } = readRequest(value, rules, path);
  const [first, ...more] = problems;
  if (first !== undefined) throw RequestError.ofAll([first, ...more]);
  return request;
}

/** How a request looks, for messages. */
export const REQUEST_FORM = '{"model": "owner/project", "parameters": {…}}';

/**
 * Reads what can be read of a request, so that the rest can be checked although its form is wrong.
 * @throws {RequestError} If it is no JSON object.
 */
export function readRequest(value: unknown, rules: SourceRules, path = ''): ReadRequest {
  const whole = path === '' ? 'The request' : path.replace(/\.$/, '');
  if (!isRecord(value)) {
    throw new RequestError('invalid_request', `${whole} must be a JSON object: ${REQUEST_FORM}.`);
  }
  const problems = gatherProblems();
  problems.check(() => checkJson(value, path));
  for (const name of Object.keys(value)) problems.check(() => checkField(name, path));
  const parameters = parseParameters(value.parameters, `${path}parameters`, problems);
  const inputs = parseInputs(value.inputs, `${path}inputs`, rules, problems);
  for (const name of Object.keys(inputs))
    if (Object.hasOwn(parameters, name)) problems.check(() => refuseDuplicate(`${path}parameters.${name}`));
  const idempotencyKey = problems.check(() =>
    parseIdempotencyKey(value.idempotencyKey, `${path}idempotencyKey`),
  );
  const model = problems.check(() => readModelName(value.model, `${path}model`));
  const labels = parseLabels(value.labels, `${path}labels`, problems);
  const maxCostUsd = problems.check(() => parseMaxCost(value.maxCostUsd, `${path}maxCostUsd`));
  return {
    request: {
      model: model ?? '',
      parameters,
      inputs,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      labels,
      ...(maxCostUsd !== undefined && { maxCostUsd }),
    },
    problems: problems.list(),
  };
}

function checkField(name: string, path: string): void {
  if (FIELDS.includes(name)) return;
  // The API reads it before it reads the request.
  if (name === 'dryRun')
    throw new RequestError(
      'invalid_parameter',
      `${path}dryRun works only with POST /generations: leave it out here, and ask the API what the request would cost.`,
      `${path}dryRun`,
    );
  throw new RequestError(
    'invalid_request',
    `${path}${name} is not a field of a request. Its fields are ${FIELDS.join(', ')}.`,
    `${path}${name}`,
  );
}

function refuseDuplicate(field: string): never {
  throw new RequestError('invalid_parameter', `${field} is also an input: keep one of them.`, field);
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
  const areFew = problems.check(() => {
    requireFewSources(entries, field);
    return true;
  });
  if (!areFew) return {};
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
    `${field} has ${count} sources, and a request may have at most ${MOST_SOURCES_TOGETHER} in total: leave some out, or split it into several requests.`,
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
      `${field} is not the name of a parameter: use only letters, digits, "_", "-" and ".".`,
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

function parseMaxCost(value: unknown, field: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw new RequestError(
    'invalid_parameter',
    `${field} must be a number above 0: the most that the request may cost, in USD.`,
    field,
  );
}

/** Labels may have any names and texts, up to the length limits. */
function parseLabels(value: unknown, field: string, problems: Problems): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const given = problems.check(() => requireRecord(value, field, 'an object with text values'));
  const labels = Object.entries(given ?? {});
  problems.check(() => {
    if (labels.length > MOST_LABELS)
      throw new RequestError(
        'invalid_parameter',
        `${field} must have at most ${MOST_LABELS} entries.`,
        field,
      );
  });
  // `fromEntries` accepts `__proto__` as an ordinary name. An assignment would not.
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
    throw refuse(`has a name that is too long: use at most ${LONGEST_LABEL} characters.`);
  if (typeof label !== 'string' || label.length > LONGEST_LABEL)
    throw refuse(`must be text of at most ${LONGEST_LABEL} characters.`);
  return label;
}

function requireRecord(value: unknown, field: string, wanted: string): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw new RequestError('invalid_parameter', `${field} must be ${wanted}.`, field);
}
