import type { FileToSend, FileValue, ModelSchema, ParameterType, RunRequest } from './types.ts';

/** One field of a Run's body; the same name may come several times. */
export interface RunField {
  readonly name: string;
  readonly value: unknown;
}

export interface FileField {
  readonly name: string;
  readonly file: FileToSend;
}

export type SpelledRun =
  | { readonly kind: 'json'; readonly fields: readonly RunField[] }
  | { readonly kind: 'multipart'; readonly fields: readonly (RunField | FileField)[] };

/** The documentation and the task record spell it differently. */
const CALLBACK_NAMES = ['callbackUrl', 'callbackurl'];

/**
 * Spells a Run as Wiro reads it: file parameters as their type asks, multipart where a file is sent along.
 * A file parameter wins over a plain one of the same name, and the callback URL over everything.
 * @see https://wiro.ai/docs/model-parameters
 */
export function spellRun({
  parameters,
  files,
  schema,
  callbackUrl,
}: Omit<RunRequest, 'model' | 'timeoutMs'>): SpelledRun {
  const isMultipart = Object.values(files).some((values) => values.some((value) => 'file' in value));
  const fileFields = Object.entries(files).flatMap(([id, values]) =>
    spellFiles(id, values, schema, isMultipart),
  );
  const taken = new Set(fileFields.map(({ name }) => name));
  const fields = [
    ...Object.entries(parameters)
      .filter(([name, value]) => !taken.has(name) && value !== undefined)
      .map(([name, value]) => ({ name, value })),
    ...fileFields,
  ].filter(({ name }) => !isCallbackName(name));
  const callback = CALLBACK_NAMES.map((name) => ({ name, value: callbackUrl }));
  if (isMultipart) return { kind: 'multipart', fields: [...fields, ...callback] };
  return { kind: 'json', fields: [...fields, ...callback].filter((field) => 'value' in field) };
}

/** In any case, and with the brackets from which form parsers build lists and objects. */
const isCallbackName = (name: string) => /^\s*callbackurl\s*(?:[[.].*)?$/is.test(name);

function spellFiles(
  id: string,
  values: readonly FileValue[],
  schema: ModelSchema | undefined,
  isMultipart: boolean,
): readonly (RunField | FileField)[] {
  const urls = values.flatMap((value) => ('url' in value ? [value.url] : []));
  const files = values.flatMap((value) => ('file' in value ? [{ name: id, file: value.file }] : []));
  const inId = (value: unknown) => ({ name: id, value });

  const type = schema?.parameters.find((parameter) => parameter.id === id)?.type;
  const joined = joinUrls(urls, type === 'multifileinput');
  switch (placeOfUrls(id, type, schema)) {
    case 'mixed':
      if (isMultipart)
        return values.map((value) => ('file' in value ? { name: id, file: value.file } : inId(value.url)));
      // One URL too: a list is what such a parameter takes.
      return urls.length === 0 ? [] : [inId(urls)];
    case 'beside': {
      const beside = { name: `${id}Url`, value: joined };
      // In multipart both fields are sent, the one without a value empty.
      if (isMultipart) return [...(files.length === 0 ? [inId('')] : files), beside];
      return urls.length === 0 ? [] : [beside];
    }
    case 'in':
      return urls.length === 0 ? files : [...files, inId(joined)];
  }
}

/** Where a file parameter takes its URLs: in `{id}Url`, in `{id}`, or in `{id}` mixed with files. */
function placeOfUrls(
  id: string,
  type: ParameterType | undefined,
  schema: ModelSchema | undefined,
): 'mixed' | 'beside' | 'in' {
  // Without a list of parameters there is only the habit of most models to go by.
  if (schema === undefined || schema.parameters.length === 0) return 'beside';
  if (type === 'combinefileinput') return 'mixed';
  if (type === 'fileinput' || type === 'multifileinput') return 'beside';
  return schema.parameters.some((parameter) => parameter.id === `${id}Url`) ? 'beside' : 'in';
}

/** Where Wiro splits at commas, a comma within a URL is encoded: a presigned URL stays valid. */
const joinUrls = (urls: readonly string[], isList: boolean): string =>
  urls.map((url) => (isList || urls.length > 1 ? url.replaceAll(',', '%2C') : url)).join(',');
