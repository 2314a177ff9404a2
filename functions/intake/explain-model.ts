import type { GenerationError } from '../generation/errors.ts';
import type { FurtherModelKind } from '../settings.ts';

/** Explains why a model of this kind is not run. Nothing is charged yet. */
export const explainUnsupported = (model: string, kind: FurtherModelKind, path = ''): GenerationError => ({
  code: 'model_not_supported',
  message: `${path}model "${model}" ${WHY[kind]}. Nothing was run or charged. Use another model, or allow this kind in the deployment's setting furtherModelKinds ("${kind}").`,
  field: `${path}model`,
  retryable: false,
});

const WHY: Readonly<Record<FurtherModelKind, string>> = {
  realtime:
    'is a realtime model: its task waits for a client on its socket, which a generation does not have, holds a slot until the deadline, and may be charged by the turn',
  training:
    'is a training model: it makes a model at Wiro, not outputs to copy, and Wiro asks for a balance of at least $10',
};

/** Explains that Wiro has no such model. `suggestion` is the one that was probably meant. */
export const explainUnknown = (
  model: string,
  suggestion: string | undefined,
  path = '',
): GenerationError => ({
  code: 'model_not_found',
  message: `${path}model "${model}" does not exist at Wiro, or this project may not use it: take owner/project from the model's address at Wiro.${suggestion === undefined ? '' : ` Did you mean "${suggestion}"?`}`,
  field: `${path}model`,
  retryable: false,
});

/** Explains that the deployment does not run this model. */
export const explainNotAllowed = (
  model: string,
  patterns: readonly string[],
  path = '',
): GenerationError => ({
  code: 'model_not_allowed',
  message: `${path}model "${model}" is not one that this deployment runs. It runs ${listOf(patterns)}: use one of these, or add the model to the deployment's setting models.`,
  field: `${path}model`,
  retryable: false,
});

const MOST_SHOWN = 20;

const listOf = (patterns: readonly string[]): string =>
  patterns.length > MOST_SHOWN
    ? `${patterns.slice(0, MOST_SHOWN).join(', ')}, … (${patterns.length} in all)`
    : patterns.join(', ');
