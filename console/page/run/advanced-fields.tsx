import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Field, type NotesOf } from './field.tsx';
import { type ChangeForm, COMMON_FIELDS, type FormState } from './form-model.ts';

interface AdvancedFieldsProps {
  readonly form: FormState;
  readonly change: ChangeForm;
  readonly notesOf: NotesOf;
  /** Whether the form was sent: then what is wrong is not folded away. */
  readonly isTried: boolean;
  /** The model's own fields here, which are the children. */
  readonly ids: readonly string[];
  readonly children: ComponentChildren;
}

/** The fields that are folded: the model's advanced ones, and those that every request may have. */
export function AdvancedFields({ form, change, notesOf, isTried, ids, children }: AdvancedFieldsProps) {
  const isWrong = [...ids, ...COMMON_FIELDS].some((id) => notesOf(id).problems.length > 0);
  const fold = useRef<HTMLDetailsElement>(null);
  const mustOpen = isTried && isWrong;
  // It does not close by itself: that would hide the field that is being mended.
  useLayoutEffect(() => {
    if (mustOpen && fold.current) fold.current.open = true;
  }, [mustOpen]);
  return (
    <details class="advanced" ref={fold}>
      <summary>Advanced</summary>
      <div class="fold">
        {children}
        {COMMON_FIELDS.map((id) => (
          <Field
            key={id}
            parameter={{ id, required: false, ...COMMON[id] }}
            value={form[id]}
            onChange={(text) => change(id, () => ({ [id]: text }))}
            {...notesOf(id)}
          />
        ))}
      </div>
    </details>
  );
}

const COMMON = {
  others: {
    type: 'textarea',
    label: 'Other parameters',
    note: 'A JSON object, for parameters that the model does not list',
  },
  maxCostUsd: { type: 'float', label: 'Refuse if it is known to cost more than (USD)', min: 0 },
  labels: {
    type: 'textarea',
    label: 'Labels',
    placeholder: 'order=17',
    note: 'One name=value a line. They are in the record and in every event, and filter the history',
  },
  idempotencyKey: {
    type: 'text',
    label: 'Idempotency key',
    note: 'The same key with the same request is the same generation, and is charged once. Without one, each Run is a new generation',
  },
} as const satisfies Readonly<Record<(typeof COMMON_FIELDS)[number], object>>;
