import type { Generation, Model, ModelParameter, Problem, Submission } from '../../../client/index.ts';

/** How a parameter is entered. */
export type Entry = 'file' | 'files' | 'number' | 'slider' | 'select' | 'truth' | 'long' | 'text';

/** A file of a parameter, from the developer's disk or named by a source. */
export type FileEntry =
  | {
      readonly kind: 'upload';
      readonly id: string;
      readonly name: string;
      readonly preview?: string;
      readonly state: 'uploading' | 'failed';
      readonly message?: string;
    }
  | {
      readonly kind: 'source';
      readonly id: string;
      readonly source: string;
      readonly name: string;
      readonly preview?: string;
    };

/** A form as it stands. */
export interface FormState {
  /** What is in the fields, by parameter. */
  readonly values: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, readonly FileEntry[]>>;
  /** Parameters without a field, as JSON. */
  readonly others: string;
  readonly maxCostUsd: string;
  /** One `name=value` a line. */
  readonly labels: string;
  readonly idempotencyKey: string;
}

/** Changes the form on behalf of a field. Uploads end when they end, so each change starts from that moment's form. */
export type ChangeForm = (id: string, update: (before: FormState) => Partial<FormState>) => void;

/** The ids of the fields that every model's form has besides the model's own. */
export const COMMON_FIELDS = ['others', 'maxCostUsd', 'labels', 'idempotencyKey'] as const;

export function entryOf({ type, options = [], min, max }: ModelParameter): Entry {
  switch (type) {
    case 'fileinput':
      return 'file';
    case 'multifileinput':
    case 'combinefileinput':
      return 'files';
    case 'select':
      return options.length > 0 ? 'select' : 'text';
    case 'range':
      return min !== undefined && max !== undefined ? 'slider' : 'number';
    case 'number':
    case 'float':
      return 'number';
    case 'textarea':
      return 'long';
    case 'checkbox':
    case 'boolean':
    case 'switch':
      return 'truth';
    default:
      return 'text';
  }
}

const isFile = (parameter: ModelParameter) => entryOf(parameter).startsWith('file');

/** The parameters that have a field. A file's field also takes a URL, so Wiro's extra parameter for it has none. */
export function fieldsOf({ parameters }: Pick<Model, 'parameters'>): readonly ModelParameter[] {
  const urls = new Set(parameters.filter(isFile).map(({ id }) => `${id}Url`));
  return parameters.filter((parameter) => isFile(parameter) || !urls.has(parameter.id));
}

export const isAdvanced = ({ advanced, group, required }: ModelParameter): boolean =>
  !required && (advanced === true || /advanced|settings/i.test(group ?? ''));

/**
 * The model with a field for each input of a generation that its schema does not list. Without one, the input would be
 * missing when the generation is run again.
 */
export function withInputsOf<T extends Pick<Model, 'parameters'>>(model: T, from?: Generation): T {
  const listed = new Set(fieldsOf(model).map(({ id }) => id));
  const further = Object.entries(from?.inputs ?? {})
    .filter(([id]) => !listed.has(id))
    .map(([id, sources]): ModelParameter => {
      return { id, type: Array.isArray(sources) ? 'multifileinput' : 'fileinput', required: false };
    });
  const ids = new Set(further.map(({ id }) => id));
  return { ...model, parameters: [...model.parameters.filter(({ id }) => !ids.has(id)), ...further] };
}

/** The form of a model with its defaults, or with what a generation was asked for. */
export function startForm(model: Pick<Model, 'parameters'>, from?: Generation): FormState {
  const fields = fieldsOf(model);
  const isField = new Set(fields.map(({ id }) => id));
  const given = from?.parameters;
  const values = fields
    .filter((field) => !isFile(field))
    .map(({ id, default: standard }) => [id, textOf(given ? ownOf(given, id) : standard)] as const);
  const others = Object.entries(given ?? {}).filter(([id]) => !isField.has(id));
  const none = fields.filter(isFile).map(({ id }) => [id, []] as const);
  const files = Object.entries(from?.inputs ?? {}).map(([id, sources]) => {
    const entries = [sources].flat().map(
      (source, index): FileEntry => ({
        kind: 'source',
        id: `${id}-${index}`,
        source,
        name: nameOf(source),
        ...(from && { preview: inputPath(from.id, id, index) }),
      }),
    );
    return [id, entries] as const;
  });
  return {
    values: Object.fromEntries(values),
    files: Object.fromEntries([...none, ...files]),
    others: others.length > 0 ? JSON.stringify(Object.fromEntries(others), undefined, 2) : '',
    maxCostUsd: '',
    labels: Object.entries(from?.labels ?? {})
      .map((label) => label.join('='))
      .join('\n'),
    // It would be the same generation again.
    idempotencyKey: '',
  };
}

export const inputPath = (id: string, parameter: string, index: number) =>
  `/inputs/${encodeURIComponent(id)}/${encodeURIComponent(parameter)}/${index}`;

export const nameOf = (source: string): string =>
  source.split(/[?#]/)[0]?.split('/').findLast(Boolean) ?? source;

/** A parameter may be named like what every object has. */
const ownOf = (values: Readonly<Record<string, unknown>>, id: string): unknown =>
  Object.hasOwn(values, id) ? values[id] : undefined;

const textOf = (value: unknown): string => {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

export type Read =
  | { readonly kind: 'request'; readonly request: Submission }
  /** It cannot be sent yet. */
  | { readonly kind: 'problem'; readonly problem: Problem };

/** Reads the request that the form stands for. Empty fields are left out. */
export function readForm(model: Pick<Model, 'name' | 'parameters'>, form: FormState): Read {
  const { values, files, others, maxCostUsd, idempotencyKey } = form;
  const further = parseOthers(others);
  if (further === undefined)
    return problemAt('others', 'Other parameters must be a JSON object, such as {"seed": 7}.');
  const most = maxCostUsd.trim() === '' ? undefined : Number(maxCostUsd);
  if (most !== undefined && !(most > 0 && Number.isFinite(most)))
    return problemAt('maxCostUsd', 'The most that it may cost must be a number above 0.');
  const labels = parseLabels(form.labels);
  if (labels === undefined)
    return problemAt('labels', 'Labels must be one name=value a line, such as order=17.');
  const fields = fieldsOf(model);
  const failed = fields.filter(isFile).find(({ id }) => (files[id] ?? []).some(isFailed));
  // Without it, the model would make something else, and charge for it.
  if (failed !== undefined)
    return problemAt(failed.id, 'A file could not be uploaded: remove it, or choose it again.');
  const parameters = fields
    .filter((field) => !isFile(field) && (values[field.id] ?? '').trim() !== '')
    .map((field) => [field.id, readValue(field, values[field.id] ?? '')] as const);
  const inputs = fields.filter(isFile).flatMap((field) => {
    const sources = (files[field.id] ?? []).flatMap((file) => (file.kind === 'source' ? [file.source] : []));
    const [first] = sources;
    if (first === undefined) return [];
    return [[field.id, entryOf(field) === 'file' ? first : sources] as const];
  });
  return {
    kind: 'request',
    request: {
      model: model.name,
      parameters: { ...further, ...Object.fromEntries(parameters) },
      inputs: Object.fromEntries(inputs),
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(most !== undefined && { maxCostUsd: most }),
      ...(idempotencyKey !== '' && { idempotencyKey }),
    },
  };
}

export const isUploading = ({ files }: FormState): boolean =>
  Object.values(files).some((entries) =>
    entries.some((entry) => entry.kind === 'upload' && entry.state === 'uploading'),
  );

const isFailed = (file: FileEntry): boolean => file.kind === 'upload' && file.state === 'failed';

/** Parameters of language models that hold JSON values, whatever type their schema states. */
const HOLDS_JSON = /^(messages|tools|tool_choice|toolOutputs|response_format|parallel_tool_calls)$/;

function readValue(parameter: ModelParameter, text: string): unknown {
  const entry = entryOf(parameter);
  if (entry === 'truth') return text === 'true';
  if (HOLDS_JSON.test(parameter.id)) return parseJson(text) ?? text;
  if (entry !== 'number' && entry !== 'slider') return text;
  const number = Number(text);
  // Digits that a number would lose stay text, which Wiro takes too. What is no number is refused with its reason.
  return Number.isFinite(number) && String(number) === text.trim() ? number : text.trim();
}

function parseOthers(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text.trim() === '') return {};
  const value = parseJson(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function parseLabels(text: string): Readonly<Record<string, string>> | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const labels = lines.map((line) => /^\s*([^=]*?)\s*=\s*(.*?)\s*$/.exec(line)?.slice(1) ?? ['', '']);
  if (labels.some(([name]) => name === '')) return undefined;
  return Object.fromEntries(labels);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const problemAt = (field: string, message: string): Read => ({
  kind: 'problem',
  problem: { code: 'invalid_parameter', message, field },
});

/** The field that a problem belongs to: `parameters.prompt` and `inputs.images[1]` are `prompt` and `images`. */
export function fieldOfProblem(
  { field }: Pick<Problem, 'field'>,
  ids: ReadonlySet<string>,
): string | undefined {
  if (field === undefined) return undefined;
  const inner = field.replace(/^(parameters|inputs)\./, '');
  if (ids.has(inner)) return inner;
  const [id = ''] = inner.split(/[.[]/);
  return ids.has(id) ? id : undefined;
}
