import { RequestError } from '../generation/errors.ts';
import { type GenerationRequest, isRecord, parseRequest } from './request.ts';
import type { SourceRules } from './source.ts';

/** The run of a model that each object put under `uploads/<name>/` starts. */
export interface Preset {
  /** `owner/project`. */
  readonly model: string;
  /** Fixed parameters of the model, as in a request. @default - none: the model's own defaults */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** The parameter that receives the object, for example `inputImage`. */
  readonly fileParameter: string;
  /** Fixed inputs besides the object, as in a request. @default - none */
  readonly inputs?: Readonly<Record<string, string | readonly string[]>>;
}

/** Presets by name: `<name>` in `uploads/<name>/`. */
export type Presets = Readonly<Record<string, Preset>>;

const FIELDS = ['model', 'parameters', 'fileParameter', 'inputs'];

/**
 * Checks presets' form.
 * @throws {RequestError} For the first thing that is wrong, naming the preset and the field.
 */
export function parsePresets(value: unknown, rules: SourceRules): Presets {
  if (!isRecord(value))
    throw new RequestError('invalid_parameter', 'presets must be an object of presets by name.');
  for (const [name, preset] of Object.entries(value)) {
    const field = `presets.${name}`;
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) {
      throw new RequestError(
        'invalid_parameter',
        `${field}: a preset's name is the folder's under uploads/: lower-case letters, digits and "-", at most 63.`,
        field,
      );
    }
    if (!isRecord(preset)) {
      throw new RequestError(
        'invalid_parameter',
        `${field} must be {model, fileParameter, parameters?, inputs?}.`,
        field,
      );
    }
    const unknown = Object.keys(preset).find((key) => !FIELDS.includes(key));
    if (unknown !== undefined) {
      throw new RequestError(
        'invalid_parameter',
        `${field}.${unknown} is not known: a preset has ${FIELDS.join(', ')}.`,
        `${field}.${unknown}`,
      );
    }
    if (typeof preset.fileParameter !== 'string' || preset.fileParameter === '') {
      throw new RequestError(
        'invalid_parameter',
        `${field}.fileParameter must name the parameter that takes the object.`,
        `${field}.fileParameter`,
      );
    }
    // With any object: what is wrong then is wrong with every one.
    presetRequest(preset as unknown as Preset, 'uploads/any.png', rules, `${field}.`);
  }
  return value as unknown as Presets;
}

/** The request that an object becomes. @throws {RequestError} When the preset does not make a request. */
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

/** Files that computers leave in folders without being asked. */
const IGNORED = /^(\.ds_store|thumbs\.db|desktop\.ini|\._.*)$/i;

/** The preset's name and the file's, for an object that is to become a generation; `undefined` for any other. */
export function readUploadKey(
  key: string,
  prefix: string,
): { readonly preset: string; readonly name: string } | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const [preset = '', ...rest] = key.slice(prefix.length).split('/');
  const name = rest.join('/');
  // A folder's marker ends in a slash; what lies beside the folders belongs to none.
  if (preset === '' || name === '' || name.endsWith('/')) return undefined;
  return IGNORED.test(rest.at(-1) ?? '') ? undefined : { preset, name };
}
