import { RequestError } from '../generation/errors.ts';
import { isRecord } from '../runtime/json.ts';
import { type GenerationRequest, parseRequest } from './request.ts';
import type { SourceRules } from './source.ts';

/** The request that each object under `uploads/<name>/` becomes: one run of a model, with the object as an input. */
export interface Preset {
  /** `owner/project`. */
  readonly model: string;
  /** Fixed parameters of the model, as in a request. @default - none, so that the model uses its own defaults */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** The parameter that receives the object, for example `inputImage`. */
  readonly fileParameter: string;
  /** Fixed inputs besides the object, as in a request. @default - none */
  readonly inputs?: Readonly<Record<string, string | readonly string[]>>;
}

/** Presets by name. The name is the `<name>` in `uploads/<name>/`. */
export type Presets = Readonly<Record<string, Preset>>;

/** Names the folders of presets, for a message. */
export const foldersOf = (presets: readonly string[]): string =>
  presets.map((name) => `"uploads/${name}/"`).join(' or ');

const FIELDS = ['model', 'parameters', 'fileParameter', 'inputs'];

/**
 * Validates the presets.
 * @throws {RequestError} For the first problem, naming the preset and the field.
 */
export function parsePresets(value: unknown, rules: SourceRules): Presets {
  if (!isRecord(value))
    throw new RequestError('invalid_parameter', 'presets must be an object with one preset per name.');
  for (const [name, preset] of Object.entries(value)) {
    const field = `presets.${name}`;
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) {
      throw new RequestError(
        'invalid_parameter',
        `${field}: the name of a preset is a folder under uploads/. Use at most 63 lower-case letters, digits and "-".`,
        field,
      );
    }
    if (!isRecord(preset)) {
      throw new RequestError(
        'invalid_parameter',
        `${field} must be an object {model, fileParameter, parameters?, inputs?}.`,
        field,
      );
    }
    const unknown = Object.keys(preset).find((key) => !FIELDS.includes(key));
    if (unknown !== undefined) {
      throw new RequestError(
        'invalid_parameter',
        `${field}.${unknown} is not a field of a preset. Its fields are ${FIELDS.join(', ')}.`,
        `${field}.${unknown}`,
      );
    }
    if (typeof preset.fileParameter !== 'string' || preset.fileParameter === '') {
      throw new RequestError(
        'invalid_parameter',
        `${field}.fileParameter must name the parameter that receives the object.`,
        `${field}.fileParameter`,
      );
    }
    // Validate the request for an arbitrary object: a problem there is a problem for every object.
    presetRequest(preset as unknown as Preset, 'uploads/any.png', rules, `${field}.`);
  }
  return value as unknown as Presets;
}

/** Builds the request for an object. @throws {RequestError} If the preset does not give a valid request. */
export function presetRequest(
  { model, parameters, fileParameter, inputs }: Preset,
  key: string,
  rules: SourceRules,
  path = '',
): GenerationRequest {
  const given = {
    model,
    parameters,
    inputs: { ...inputs, [fileParameter]: `s3://${rules.inputBucket}/${key}` },
  };
  return parseRequest(given, { ...rules, dropped: key }, path);
}

/** Files that operating systems and office programs leave in folders. */
const IGNORED =
  /^(?:\.ds_store|(?:eh)?thumbs\.db|desktop\.ini|icon\r|\.directory|\._.*|~\$.*|\.~lock\..*#)$/i;

/** Whether an object requests nothing because of its name: the marker of a folder, or what a system or program leaves. */
export const isIgnoredName = (key: string): boolean =>
  key.endsWith('/') || key.split('/').includes('__MACOSX') || IGNORED.test(key.split('/').at(-1) ?? '');

/** Returns the names of the preset and of the file, or `undefined` for an object that requests no generation. */
export function readUploadKey(
  key: string,
  prefix: string,
): { readonly preset: string; readonly name: string } | undefined {
  if (!key.startsWith(prefix) || isIgnoredName(key)) return undefined;
  const [preset = '', ...rest] = key.slice(prefix.length).split('/');
  const name = rest.join('/');
  // An object outside the folders has no preset.
  return preset === '' || name === '' ? undefined : { preset, name };
}
