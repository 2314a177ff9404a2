import type { ModelParameter, ModelSchema } from '../wiro/types.ts';
import { findFault } from './check-value.ts';

/** A request in the API's form. */
export interface RequestExample {
  readonly model: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, string | readonly string[]>>;
}

/** Stands for a key in the input bucket. */
const FILE = 'your-file.png';

/** Makes a request that the model's schema accepts: its defaults, and placeholders for what is required. */
export function exampleRequest(model: string, { parameters: schema }: ModelSchema): RequestExample {
  const files = schema.filter(isFile);
  const inputs = files
    .filter(({ required }) => required)
    .map(({ id, type }) => [id, type === 'fileinput' ? FILE : [FILE]] as const);
  const urls = new Set(files.map(({ id }) => `${id}Url`));
  const parameters = schema
    .filter((parameter) => !isFile(parameter) && !urls.has(parameter.id))
    .flatMap((parameter) => {
      const value = exampleValue(parameter);
      return value === undefined ? [] : [[parameter.id, value] as const];
    });
  return { model, parameters: Object.fromEntries(parameters), inputs: Object.fromEntries(inputs) };
}

const isFile = ({ type }: ModelParameter): boolean => type.endsWith('fileinput');
const isNumber = ({ type }: ModelParameter): boolean => ['number', 'range', 'float'].includes(type);

function exampleValue(parameter: ModelParameter): unknown {
  const { default: value, required } = parameter;
  const isSet = value !== undefined && value !== null && value !== '';
  if (isSet && findFault(parameter, value) === undefined) return isNumber(parameter) ? Number(value) : value;
  return required ? placeholderFor(parameter) : undefined;
}

function placeholderFor(parameter: ModelParameter): unknown {
  const { id, label, placeholder, options = [], min, max } = parameter;
  if (isNumber(parameter)) return min ?? Math.min(1, max ?? 1);
  const [first] = options;
  if (first !== undefined) return first.value;
  return placeholder ?? label ?? id;
}
