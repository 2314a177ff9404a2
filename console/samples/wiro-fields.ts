import { bucketOf, type Form } from './form.ts';

export interface TextField {
  readonly name: string;
  readonly value: unknown;
}

/** A file of S3 that goes into the body. */
export interface FileField {
  readonly name: string;
  /** `s3://bucket/key`. */
  readonly object: string;
}

const isUrl = (source: string): boolean => /^https:\/\//i.test(source);

/**
 * The fields of the Run that a form stands for, without the callback, as a deployment spells them: the type of a file
 * parameter decides where its URLs go, and a file parameter replaces a plain one of the same name.
 * @see https://wiro.ai/docs/model-parameters
 */
export function wiroFieldsOf(form: Form): readonly (TextField | FileField)[] {
  const hasFiles = Object.values(form.inputs)
    .flat()
    .some((source) => !isUrl(source));
  const files = Object.entries(form.inputs).flatMap(([id, sources]) =>
    sources.length === 0 ? [] : fieldsOfInput(form, id, sources, hasFiles),
  );
  const names = new Set(files.map(({ name }) => name));
  const plain = Object.entries(form.parameters).flatMap(([name, value]) =>
    names.has(name) || value === undefined ? [] : [{ name, value }],
  );
  return [...plain, ...files];
}

function fieldsOfInput(
  { endpoint, modelParameters = [] }: Form,
  id: string,
  sources: readonly string[],
  hasFiles: boolean,
): readonly (TextField | FileField)[] {
  const type = modelParameters.find((parameter) => parameter.id === id)?.type;
  const asFile = (source: string): FileField => ({
    name: id,
    object: source.startsWith('s3://') ? source : `s3://${bucketOf(endpoint)}/${source}`,
  });
  const urls = sources.filter(isUrl);
  const files = sources.filter((source) => !isUrl(source)).map(asFile);
  if (type === 'combinefileinput')
    return hasFiles
      ? sources.map((source) => (isUrl(source) ? { name: id, value: source } : asFile(source)))
      : [{ name: id, value: urls }];
  // Wiro splits such a value at commas.
  const isList = type === 'multifileinput' || urls.length > 1;
  const joined = urls.map((url) => (isList ? url.replaceAll(',', '%2C') : url)).join(',');
  const isKnown = modelParameters.length > 0 && type !== 'fileinput' && type !== 'multifileinput';
  if (isKnown && !modelParameters.some((parameter) => parameter.id === `${id}Url`))
    return urls.length === 0 ? files : [...files, { name: id, value: joined }];
  const beside = { name: `${id}Url`, value: joined };
  // A multipart body has both fields; the one without a value is empty.
  if (hasFiles) return [...(files.length === 0 ? [{ name: id, value: '' }] : files), beside];
  return [beside];
}
