import { RequestError } from '../generation/errors.ts';
import type { ModelParameter, ModelSchema } from '../wiro/types.ts';
import { gatherProblems } from './problems.ts';
import type { GenerationRequest } from './request.ts';

const FILE_TYPES = ['fileinput', 'multifileinput', 'combinefileinput'];

/**
 * Checks a request against the model's own schema: what it requires is there, and inputs go to parameters that
 * take files. Values are Wiro's to judge.
 * @throws {RequestError} `invalid_parameter`, naming every parameter that is missing or does not exist.
 */
export function checkAgainstSchema(
  { model, parameters, inputs }: Pick<GenerationRequest, 'model' | 'parameters' | 'inputs'>,
  { parameters: known }: ModelSchema,
  path = '',
): void {
  // A model without a list of parameters tells nothing: Wiro decides.
  if (known.length === 0) return;
  const ids = new Set(known.map(({ id }) => id));
  const problems = gatherProblems();
  for (const name of Object.keys(inputs)) {
    if (!ids.has(name) && !ids.has(`${name}Url`)) {
      const field = `${path}inputs.${name}`;
      const files = known.filter(({ type }) => FILE_TYPES.includes(type)).map(({ id }) => id);
      const remedy = files.length > 0 ? `its file parameters are ${files.join(', ')}` : 'it takes no files';
      problems.check(() => {
        throw new RequestError(
          'invalid_parameter',
          `${field} is not a parameter of ${model}: ${remedy}.`,
          field,
        );
      });
    }
  }
  for (const parameter of known) {
    if (parameter.required && !isGiven(parameter, parameters, inputs)) {
      const isFile = FILE_TYPES.includes(parameter.type);
      const field = `${path}${isFile ? 'inputs' : 'parameters'}.${parameter.id}`;
      const isEmpty = Object.hasOwn(isFile ? inputs : parameters, parameter.id);
      problems.check(() => {
        throw new RequestError(
          'invalid_parameter',
          `${field} is ${isEmpty ? 'empty' : 'missing'}: ${model} requires it.`,
          field,
        );
      });
    }
  }
  problems.throwAny();
}

function isGiven(
  { id }: ModelParameter,
  parameters: GenerationRequest['parameters'],
  inputs: GenerationRequest['inputs'],
): boolean {
  if (Object.hasOwn(inputs, id)) return true;
  // A file may be given as its URL, and the URL of a file as the file.
  return (
    [id, `${id}Url`].some((name) => Object.hasOwn(parameters, name) && hasValue(parameters[name])) ||
    (id.endsWith('Url') && Object.hasOwn(inputs, id.slice(0, -3)))
  );
}

const hasValue = (value: unknown): boolean =>
  value !== undefined && value !== null && !(typeof value === 'string' && value.trim() === '');
