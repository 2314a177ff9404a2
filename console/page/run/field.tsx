import type { Model, Problem, Warning } from '../../../client/index.ts';
import { entryOf } from './form-model.ts';

type Parameter = Model['parameters'][number];

export interface Notes {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
}

/** What is to be said at a field. */
export type NotesOf = (id: string) => Notes;

interface FieldProps extends Notes {
  readonly parameter: Parameter;
  readonly value: string;
  readonly onChange: (text: string) => void;
}

/** One parameter with its label, its note and what is wrong with it. */
export function Field({ parameter, value, onChange, problems, warnings }: FieldProps) {
  const { id, label, required, note } = parameter;
  const isWrong = problems.length > 0;
  return (
    <div class={isWrong ? 'field wrong' : 'field'}>
      <label class="label" for={`field-${id}`}>
        {label ?? id}
        {required && <span class="required"> (required)</span>}
      </label>
      <Control parameter={parameter} value={value} onChange={onChange} isWrong={isWrong} />
      <FieldNotes id={id} note={note} problems={problems} warnings={warnings} />
    </div>
  );
}

export function FieldNotes({
  id,
  note,
  problems,
  warnings,
}: Notes & { readonly id: string; readonly note?: string | undefined }) {
  return (
    <div id={`notes-${id}`} class="notes">
      {note !== undefined && <p class="note">{note}</p>}
      {problems.map(({ message }) => (
        <p key={message} class="problem">
          {message}
        </p>
      ))}
      {warnings.map(({ message }) => (
        <p key={message} class="warning">
          {message}
        </p>
      ))}
    </div>
  );
}

interface ControlProps extends Pick<FieldProps, 'parameter' | 'value' | 'onChange'> {
  readonly isWrong: boolean;
}

function Control({ parameter, value, onChange, isWrong }: ControlProps) {
  const { id, options = [], min, max, step, placeholder, required } = parameter;
  const common = {
    id: `field-${id}`,
    value,
    placeholder,
    autocomplete: 'off',
    'aria-describedby': `notes-${id}`,
    'aria-invalid': isWrong,
    'aria-required': required,
  } as const;
  const onInput = (event: Event & { readonly currentTarget: { readonly value: string } }) =>
    onChange(event.currentTarget.value);
  switch (entryOf(parameter)) {
    case 'long':
      return <textarea {...common} rows={3} onInput={onInput} />;
    case 'select':
      return (
        <select {...common} onChange={onInput}>
          {!options.some((option) => option.value === value) && <option value={value}>{value || '–'}</option>}
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label ?? option.value}
            </option>
          ))}
        </select>
      );
    case 'truth':
      return (
        <select {...common} onChange={onInput}>
          <option value="">–</option>
          <option value="true">Yes</option>
          <option value="false">No</option>
        </select>
      );
    case 'slider':
      return (
        <span class="slider">
          <input
            type="range"
            aria-label={`${parameter.label ?? id}, as a slider`}
            min={min}
            max={max}
            step={step ?? 'any'}
            value={value === '' ? min : value}
            onInput={onInput}
          />
          <input {...common} inputMode="decimal" onInput={onInput} />
        </span>
      );
    case 'number':
      return <input {...common} inputMode="decimal" onInput={onInput} />;
    default:
      return <input {...common} onInput={onInput} />;
  }
}
