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
