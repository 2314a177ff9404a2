import type { StoredFile } from './files.ts';
import { isFileItem, modelItems } from './models.ts';
import type { ModelItem, SimulatedModel } from './simulated-model.ts';

/** A request's form: fields by name (a repeated field is a list), and files by field. */
export interface RunForm {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly files: Readonly<Record<string, readonly StoredFile[]>>;
}

/** Returns Wiro's message for the first invalid parameter of a request. */
export function findParameterError(model: SimulatedModel, form: RunForm): string | undefined {
  for (const item of modelItems(model)) {
    const { id } = item;
    if (isFileItem(item)) {
      if (isRequired(item) && inputUrls(item, form).length === 0) return `Request files [${id}] required`;
      continue;
    }
    const value = form.fields[id];
    if (isRequired(item) && (value === undefined || value === null || value === ''))
      return `Request parameter [${id}] required`;
    const error = isUnset(value) ? undefined : findNumberError(item, value);
    if (error) return error;
  }
  return undefined;
}

function findNumberError({ id, type, min, max }: ModelItem, value: unknown): string | undefined {
  if (!['number', 'range', 'float'].includes(type)) return undefined;
  const number = Number(value);
  if (Number.isNaN(number) || typeof value === 'object')
    return `Request parameter [${id}] must be integer or float`;
  if (min !== undefined && max !== undefined && (number < min || number > max))
    return `Request parameter [${id}] must be between ${min} and ${max}`;
  return undefined;
}

function isRequired({ required }: ModelItem): boolean {
  return required === true || required === 'true';
}

/** Clients may also send `0` and `""` for unset parameters. */
function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === 0 || value === '0';
}

/** Returns a number parameter, or `otherwise` if it is unset. */
export function numberParameter(
  parameters: Readonly<Record<string, unknown>>,
  id: string,
  otherwise: number,
) {
  const value = parameters[id];
  return isUnset(value) || Number.isNaN(Number(value)) ? otherwise : Number(value);
}

/** Lists the URLs of a file parameter: first those of the files in the request, then the given URLs. */
export function inputUrls(item: ModelItem, { fields, files }: RunForm): string[] {
  const sent = files[item.id] ?? [];
  const named = [fields[item.id], fields[`${item.id}Url`]].flatMap((value) => givenUrls(item, value));
  return [...sent.map(({ url }) => url), ...named];
}

function givenUrls({ type }: ModelItem, value: unknown): string[] {
  const given = Array.isArray(value) ? value : [value];
  const texts = given.filter((text): text is string => typeof text === 'string');
  // A single URL may contain commas.
  const separate = type === 'fileinput' ? texts : texts.flatMap((text) => text.split(/,(?=https?:)|,\s+/));
  return separate.map((text) => text.trim()).filter((text) => text !== '' && text !== '0');
}
