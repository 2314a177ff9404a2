import { useRef, useState } from 'preact/hooks';
import { type Generation, type Model, type Problem, WiroServerlessError } from '../../../client/index.ts';
import { client } from '../client.ts';
import { replace, runPath } from '../router.ts';
import { describeError } from '../ui/describe-error.ts';
import { AdvancedFields } from './advanced-fields.tsx';
import { useCheck } from './check.ts';
import { CheckSummary } from './check-summary.tsx';
import { Field, type NotesOf } from './field.tsx';
import { FileField } from './file-field.tsx';
import {
  type ChangeForm,
  COMMON_FIELDS,
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
import { createRunKeys } from './run-key.ts';

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
  const check = useCheck(read.kind === 'request' ? read.request : undefined, isUploading(form));
  const fields = fieldsOf(model);
  const ids = new Set<string>([...fields.map(({ id }) => id), ...COMMON_FIELDS]);
  const { run, isTried, isSending, refused, repeated, forget } = useRun((generation) => {
    onRun();
    replace(runPath(model.name, generation.id));
  });

  const change = (id: string, update: (before: FormState) => Partial<FormState>) => {
    setForm((before) => ({ ...before, ...update(before) }));
    setTouched((before) => new Set(before).add(id));
    forget();
  };
  const found = [
    ...(read.kind === 'problem' ? [read.problem] : []),
    ...(refused.length > 0 ? refused : (check.answer?.problems ?? [])),
  ];
  const warnings = check.answer?.warnings ?? [];
  const notesOf = (id: string) => ({
    problems:
      isTried || touched.has(id) ? found.filter((problem) => fieldOfProblem(problem, ids) === id) : [],
    warnings: warnings.filter((warning) => fieldOfProblem(warning, ids) === id),
  });
  const fieldFor = (parameter: (typeof fields)[number]) => (
    <ModelField key={parameter.id} parameter={parameter} form={form} change={change} notesOf={notesOf} />
  );
  return (
    <form
      class="run"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isUploading(form)) void run(read, ids);
      }}
      noValidate
    >
      {fields.filter((field) => !isAdvanced(field)).map(fieldFor)}
      <AdvancedFields
        form={form}
        change={change}
        notesOf={notesOf}
        isTried={isTried}
        ids={fields.filter(isAdvanced).map(({ id }) => id)}
      >
        {fields.filter(isAdvanced).map(fieldFor)}
      </AdvancedFields>
      <CheckSummary
        check={check}
        isTried={isTried}
        problems={found}
        elsewhere={found.filter((problem) => fieldOfProblem(problem, ids) === undefined)}
        warnings={warnings}
      />
      {repeated !== undefined && (
        <p class="warning" role="status">
          Its idempotency key stands for a generation already, which is shown here. Nothing new was started.
        </p>
      )}
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

/** Sends the form. */
function useRun(onAccepted: (generation: Generation) => void) {
  const keys = useRef(createRunKeys());
  const [isTried, setTried] = useState(false);
  const [isSending, setSending] = useState(false);
  const [refused, setRefused] = useState<readonly Problem[]>([]);
  const [repeated, setRepeated] = useState<string>();
  const forget = () => {
    setRefused([]);
    setRepeated(undefined);
  };
  async function run(read: Read, ids: ReadonlySet<string>) {
    setTried(true);
    if (isSending) return;
    if (read.kind === 'problem') return focusFirst([read.problem], ids);
    setSending(true);
    forget();
    try {
      const generation = await client.submit(keys.current.keyed(read.request));
      keys.current.accepted();
      setTried(false);
      if (generation.repeated) setRepeated(generation.id);
      onAccepted(generation);
    } catch (error) {
      const isRefusal = error instanceof WiroServerlessError;
      setRefused(isRefusal ? error.problems : [{ code: 'internal_error', message: describeError(error) }]);
      focusFirst(isRefusal ? error.problems : [], ids);
    } finally {
      setSending(false);
    }
  }
  return { run, isTried, isSending, refused, repeated, forget };
}

interface ModelFieldProps {
  readonly parameter: Model['parameters'][number];
  readonly form: FormState;
  readonly change: ChangeForm;
  readonly notesOf: NotesOf;
}

function ModelField({ parameter, form, change, notesOf }: ModelFieldProps) {
  const { id } = parameter;
  const entry = entryOf(parameter);
  if (entry === 'file' || entry === 'files')
    return (
      <FileField
        parameter={parameter}
        takesSeveral={entry === 'files'}
        files={form.files[id] ?? []}
        update={(update: (before: readonly FileEntry[]) => readonly FileEntry[]) =>
          change(id, ({ files }) => ({ files: { ...files, [id]: update(files[id] ?? []) } }))
        }
        {...notesOf(id)}
      />
    );
  return (
    <Field
      parameter={parameter}
      value={form.values[id] ?? ''}
      onChange={(text) => change(id, ({ values }) => ({ values: { ...values, [id]: text } }))}
      {...notesOf(id)}
    />
  );
}

/** Leads keyboards and screen readers to what must be mended. */
function focusFirst(problems: readonly Problem[], ids: ReadonlySet<string>): void {
  const id = problems.map((problem) => fieldOfProblem(problem, ids)).find((one) => one !== undefined);
  const field = id === undefined ? null : document.getElementById(`field-${id}`);
  // What is folded takes no focus.
  field?.closest('details')?.setAttribute('open', '');
  field?.focus();
}
