import type { FileToSend, FileValue, ModelSchema, ParameterType, RunRequest } from './types.ts';

/** One field of a Run's body. Several fields may have the same name. */
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

/** Wiro's documentation and its task record spell the name differently, so both are sent. */
const CALLBACK_NAMES = ['callbackUrl', 'callbackurl'];

/**
 * Builds the fields of a Run. The type of a file parameter decides its form, and any file makes the body multipart.
 * A file parameter overrides a plain one of the same name. The callback URL overrides both.
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
  const fileNames = new Set(fileFields.map(({ name }) => name));
  const fields = [
    ...Object.entries(parameters)
      .filter(([name, value]) => !fileNames.has(name) && value !== undefined)
      .map(([name, value]) => ({ name, value })),
    ...fileFields,
  ].filter(({ name }) => !isCallbackName(name));
  const callback = CALLBACK_NAMES.map((name) => ({ name, value: callbackUrl }));
  if (isMultipart) return { kind: 'multipart', fields: [...fields, ...callback] };
  return { kind: 'json', fields: [...fields, ...callback].filter((field) => 'value' in field) };
}

/** Matches any letter case, and the brackets that form parsers turn into lists and objects. */
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
  switch (urlPlacement(id, type, schema)) {
    case 'mixed':
      if (isMultipart)
        return values.map((value) => ('file' in value ? { name: id, file: value.file } : inId(value.url)));
      // Such a parameter takes a list, even of one URL.
      return urls.length === 0 ? [] : [inId(urls)];
    case 'beside': {
      const beside = { name: `${id}Url`, value: joined };
      // A multipart body has both fields. The one without a value is empty.
      if (isMultipart) return [...(files.length === 0 ? [inId('')] : files), beside];
      return urls.length === 0 ? [] : [beside];
    }
    case 'in':
      return urls.length === 0 ? files : [...files, inId(joined)];
  }
}

/** The field for a file parameter's URLs: `{id}Url` (`beside`), `{id}` (`in`), or `{id}` mixed with files (`mixed`). */
function urlPlacement(
  id: string,
  type: ParameterType | undefined,
  schema: ModelSchema | undefined,
): 'mixed' | 'beside' | 'in' {
  // Without a list of parameters, assume what most models use.
  if (schema === undefined || schema.parameters.length === 0) return 'beside';
  if (type === 'combinefileinput') return 'mixed';
  if (type === 'fileinput' || type === 'multifileinput') return 'beside';
  return schema.parameters.some((parameter) => parameter.id === `${id}Url`) ? 'beside' : 'in';
}

/** Encodes commas within a URL if Wiro splits the value at commas. A presigned URL stays valid. */
const joinUrls = (urls: readonly string[], isList: boolean): string =>
  urls.map((url) => (isList || urls.length > 1 ? url.replaceAll(',', '%2C') : url)).join(',');
