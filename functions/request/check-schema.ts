import { type GenerationError, RequestError } from '../generation/errors.ts';
import type { ModelParameter, ModelSchema } from '../wiro/types.ts';
import { findFault } from './check-value.ts';
import { didYouMean } from './did-you-mean.ts';
import { gatherProblems, MOST_PROBLEMS, type Problems } from './problems.ts';
import type { GenerationRequest } from './request.ts';

type Checked = Pick<GenerationRequest, 'model' | 'parameters' | 'inputs'>;

const FILE_TYPES = ['fileinput', 'multifileinput', 'combinefileinput'];
const TEXT_TYPES = ['text', 'textarea', 'select', 'number', 'range', 'float'];
/** Whether a parameter takes files. */
export const isFile = ({ type }: Pick<ModelParameter, 'type'>): boolean => FILE_TYPES.includes(type);

/**
 * Checks a request against the model's own schema: everything that is required is there, values fit their type, range,
 * step and options, files are given as inputs, and a parameter for one file gets one.
 * @throws {RequestError} `invalid_parameter` with every problem.
 */
export function checkAgainstSchema(request: Checked, { parameters: schema }: ModelSchema, path = ''): void {
  // Wiro lists no parameters for some models, and decides by itself.
  if (schema.length === 0) return;
  const problems = gatherProblems();
  checkInputs(request, schema, path, problems);
  for (const parameter of schema) {
    checkRequired(request, parameter, path, problems);
    checkValue(request, parameter, path, problems);
  }
  problems.throwAny();
}

/**
 * Finds parameters that the model's schema does not list. Wiro takes some that it does not document, so each is a
 * warning.
 */
export function findUnknownParameters(
  { model, parameters }: Checked,
  { parameters: schema }: ModelSchema,
  path = '',
): readonly GenerationError[] {
  if (schema.length === 0) return [];
  const ids = schema.map(({ id }) => id);
  const listed = new Set([...ids, ...schema.filter(isFile).map(({ id }) => `${id}Url`), ...UNDOCUMENTED]);
  return Object.keys(parameters)
    .filter((name) => !listed.has(name))
    .slice(0, MOST_PROBLEMS)
    .map((name, index) => {
      const field = `${path}parameters.${name}`;
      const hint = index < MOST_SUGGESTIONS ? didYouMean(name, ids) : '';
      const message = `${field} is not a parameter that ${model} lists.${hint}`;
      return { code: 'invalid_parameter', message, field, retryable: false };
    });
}

/** Each costs a comparison with every parameter of the model. */
const MOST_SUGGESTIONS = 5;

/** Language models take these without listing them. */
const UNDOCUMENTED = [
  'session_id',
  'user_id',
  'messages',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'previousTaskToken',
  'toolOutputs',
  'response_format',
];

function checkInputs(
  { model, inputs }: Checked,
  schema: readonly ModelParameter[],
  path: string,
  problems: Problems,
): void {
  for (const [name, sources] of Object.entries(inputs)) {
    const field = `${path}inputs.${name}`;
    const parameter = schema.find(({ id }) => id === name);
    const isUrlOf = schema.some(({ id }) => id === `${name}Url`);
    if (parameter === undefined && !isUrlOf) {
      const files = schema.filter(isFile).map(({ id }) => id);
      const remedy = files.length > 0 ? `its file parameters are ${files.join(', ')}` : 'it accepts no files';
      note(problems, field, `is not a parameter of ${model}: ${remedy}.`);
    } else if (
      parameter !== undefined &&
      TEXT_TYPES.includes(parameter.type) &&
      !isUrlOf &&
      !/url$/i.test(name)
    ) {
      note(problems, field, `takes no file: give its value as parameters.${name}.`);
    } else if (parameter?.type === 'fileinput' && sources.length > 1) {
      note(problems, field, `takes one file, but ${sources.length} are given: keep one of them.`);
    }
  }
}

function checkRequired(
  { model, parameters, inputs }: Checked,
  parameter: ModelParameter,
  path: string,
  problems: Problems,
): void {
  if (!parameter.required || isGiven(parameter, parameters, inputs)) return;
  const section = isFile(parameter) ? 'inputs' : 'parameters';
  const isEmpty = Object.hasOwn(isFile(parameter) ? inputs : parameters, parameter.id);
  note(
    problems,
    `${path}${section}.${parameter.id}`,
    `is ${isEmpty ? 'empty' : 'missing'}: ${model} requires it.`,
  );
}

function checkValue(
  { parameters }: Checked,
  parameter: ModelParameter,
  path: string,
  problems: Problems,
): void {
  const { id } = parameter;
  if (isFile(parameter)) {
    // Wiro has `{id}Url` for a file's URL.
    for (const name of [id, `${id}Url`]) {
      const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
      if (hasValue(value) && !isUrl(value))
        note(
          problems,
          `${path}parameters.${name}`,
          `takes a file: give it as inputs.${id}, as an object of the input bucket or an https:// URL.`,
        );
    }
    return;
  }
  if (!Object.hasOwn(parameters, id)) return;
  const fault = findFault(parameter, parameters[id]);
  if (fault !== undefined) note(problems, `${path}parameters.${id}`, `${fault}.`);
}

function note(problems: Problems, field: string, sentence: string): void {
  problems.check(() => {
    throw new RequestError('invalid_parameter', `${field} ${sentence}`, field);
  });
}

function isGiven(
  { id }: ModelParameter,
  parameters: GenerationRequest['parameters'],
  inputs: GenerationRequest['inputs'],
): boolean {
  if (Object.hasOwn(inputs, id)) return true;
  // A file parameter may get a URL, and the URL of a file may come as an input.
  return (
    [id, `${id}Url`].some((name) => Object.hasOwn(parameters, name) && hasValue(parameters[name])) ||
    (id.endsWith('Url') && Object.hasOwn(inputs, id.slice(0, -3)))
  );
}

const hasValue = (value: unknown): boolean =>
  value !== undefined && value !== null && !(typeof value === 'string' && value.trim() === '');

const isUrl = (value: unknown): boolean => typeof value === 'string' && /^\s*https?:\/\//i.test(value);
