import { useState } from 'preact/hooks';
import { type Model, type Problem, WiroServerlessError } from '../../../client/index.ts';
import { client } from '../client.ts';
import { replace, runPath } from '../router.ts';
import { describeError } from '../ui/describe-error.ts';
import { useCheck } from './check.ts';
import { CheckSummary } from './check-summary.tsx';
import { Field } from './field.tsx';
import { FileField } from './file-field.tsx';
import {
  entryOf,
  type FileEntry,
  type FormState,
  fieldOfProblem,
  fieldsOf,
  isAdvanced,
  isUploading,
  type Read,
  startForm,
} from './form-model.ts';

interface RunFormProps {
  readonly model: Model;
  readonly form: FormState;
  readonly setForm: (change: (before: FormState) => FormState) => void;
  /** The request that the form stands for. */
  readonly read: Read;
  readonly onRun: () => void;
}

/** Everything that a model takes. It is checked and priced while it is filled in, and runs only on request. */
export function RunForm({ model, form, setForm, read, onRun }: RunFormProps) {
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [isTried, setTried] = useState(false);
  const [isSending, setSending] = useState(false);
  const [refused, setRefused] = useState<readonly Problem[]>([]);
  const check = useCheck(read.kind === 'request' ? read.request : undefined, isUploading(form));

  const change = (changed: Partial<FormState>, id: string) => {
    setForm((before) => ({ ...before, ...changed }));
    setTouched((before) => new Set(before).add(id));
    setRefused([]);
  };
  const setValue = (id: string, text: string) => change({ values: { ...form.values, [id]: text } }, id);
  /** Uploads end when they end, so each takes the files of that moment. */
  const updateFiles = (id: string, update: (before: readonly FileEntry[]) => readonly FileEntry[]) => {
    setForm((before) => ({ ...before, files: { ...before.files, [id]: update(before.files[id] ?? []) } }));
    setTouched((before) => new Set(before).add(id));
    setRefused([]);
  };

  const fields = fieldsOf(model);
  const ids = new Set([...fields.map(({ id }) => id), 'others', 'maxCostUsd']);
  const found = [
    ...(read.kind === 'problem' ? [read.problem] : []),
    ...(refused.length > 0 ? refused : (check.answer?.problems ?? [])),
  ];
  const warnings = check.answer?.warnings ?? [];
  const noteFor = (id: string) => ({
    problems:
      isTried || touched.has(id) ? found.filter((problem) => fieldOfProblem(problem, ids) === id) : [],
    warnings: warnings.filter((warning) => fieldOfProblem(warning, ids) === id),
  });
  const elsewhere = found.filter((problem) => fieldOfProblem(problem, ids) === undefined);

  async function run(event: Event) {
    event.preventDefault();
    setTried(true);
    if (read.kind === 'problem' || isUploading(form) || isSending) return;
    setSending(true);
    try {
      const { id } = await client.submit(read.request);
      setTried(false);
      onRun();
      replace(runPath(model.name, id));
    } catch (error) {
      const isRefusal = error instanceof WiroServerlessError;
      setRefused(isRefusal ? error.problems : [{ code: 'internal_error', message: describeError(error) }]);
      focusFirst(isRefusal ? error.problems : [], ids);
    } finally {
      setSending(false);
    }
  }

  const fieldFor = (parameter: (typeof fields)[number]) => {
    const entry = entryOf(parameter);
    return entry === 'file' || entry === 'files' ? (
      <FileField
        key={parameter.id}
        parameter={parameter}
        takesSeveral={entry === 'files'}
        files={form.files[parameter.id] ?? []}
        update={(update) => updateFiles(parameter.id, update)}
        {...noteFor(parameter.id)}
      />
    ) : (
      <Field
        key={parameter.id}
        parameter={parameter}
        value={form.values[parameter.id] ?? ''}
        onChange={(text) => setValue(parameter.id, text)}
        {...noteFor(parameter.id)}
      />
    );
  };
  const advanced = fields.filter(isAdvanced);
  return (
    <form class="run" onSubmit={run} noValidate>
      {fields.filter((field) => !isAdvanced(field)).map(fieldFor)}
      <details class="advanced" open={isTried && advanced.some(({ id }) => noteFor(id).problems.length > 0)}>
        <summary>Advanced</summary>
        <div class="fold">
          {advanced.map(fieldFor)}
          <Field
            parameter={OTHERS}
            value={form.others}
            onChange={(others) => change({ others }, 'others')}
            {...noteFor('others')}
          />
          <Field
            parameter={MOST}
            value={form.maxCostUsd}
            onChange={(maxCostUsd) => change({ maxCostUsd }, 'maxCostUsd')}
            {...noteFor('maxCostUsd')}
          />
        </div>
      </details>
      <CheckSummary
        check={check}
        isTried={isTried}
        problems={found}
        elsewhere={elsewhere}
        warnings={warnings}
      />
      <div class="actions">
        <button type="submit" class="primary" disabled={isSending || isUploading(form)}>
          {isSending ? 'Sending…' : isUploading(form) ? 'Uploading…' : 'Run'}
        </button>
        <button type="button" onClick={() => setForm(() => startForm(model))}>
          Reset
        </button>
      </div>
    </form>
  );
}

const OTHERS = {
  id: 'others',
  type: 'textarea',
  label: 'Other parameters',
  required: false,
  note: 'A JSON object, for parameters that the model does not list',
} as const;

const MOST = {
  id: 'maxCostUsd',
  type: 'float',
  label: 'Refuse if it is known to cost more than (USD)',
  required: false,
  min: 0,
} as const;

/** Leads keyboards and screen readers to what must be mended. */
function focusFirst(problems: readonly Problem[], ids: ReadonlySet<string>): void {
  const id = problems.map((problem) => fieldOfProblem(problem, ids)).find((one) => one !== undefined);
  if (id !== undefined) document.getElementById(`field-${id}`)?.focus();
}
