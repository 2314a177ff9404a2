import type { ErrorCode, GenerationError } from '../generation/errors.ts';
import type { Setback } from '../generation/transitions/trouble.ts';
import { explainUnauthorized } from '../intake/explain-unauthorized.ts';
import { InputAccessError, InputChangedError, UnlinkableKeyError } from '../objects/errors.ts';
import { explainRefusal } from '../objects/explain-refusal.ts';
import { explainUnsupported, SUPPORTED_KINDS } from '../request/file-kind.ts';
import { WiroError } from '../wiro/errors.ts';
import { FileRefusedError, InputError, UploadsRefusedError } from './bring-inputs.ts';
import { UnsupportedFileError } from './name-at-wiro.ts';

/** Explains what a failure to bring an input means for its generation. */
export function explainInputFailure(error: unknown): GenerationError {
  if (!(error instanceof InputError)) throw error;
  const { field, cause } = error;
  if (cause instanceof InputChangedError) {
    return {
      code: 'input_changed',
      message: `${field} is no longer the object that was accepted: it was replaced or deleted. Nothing was run or charged: request it again, and leave the object until the generation runs.`,
      field,
      retryable: false,
    };
  }
  if (cause instanceof InputAccessError) return explainRefusal(cause, field);
  if (cause instanceof UnlinkableKeyError) {
    return {
      code: 'invalid_parameter',
      message: `${field}: Wiro cannot fetch an object whose key has "." or ".." between slashes. Nothing was run or charged: copy it to another key, and request that one.`,
      field,
      retryable: false,
    };
  }
  if (cause instanceof UnsupportedFileError) {
    return {
      code: 'input_unsupported',
      message: `${field}: ${cause.kind === undefined ? unknownKind(cause.key) : explainUnsupported(cause.key, cause.kind)}`,
      field,
      retryable: false,
    };
  }
  if (cause instanceof FileRefusedError) {
    return {
      code: 'upstream_refused',
      message: `Wiro refused ${field}, but took another file at that time (${cause.message}). Nothing was run or charged: check that the file is complete and of the kind that its name says, and request it again.`,
      field,
      retryable: false,
    };
  }
  if (cause instanceof UploadsRefusedError) {
    return {
      code: 'upstream_refused',
      message: `Wiro refuses every upload of this project (${cause.message}). Nothing was run or charged: set inputHandover to "auto" or "presigned", or ask Wiro, and retry.`,
      retryable: true,
    };
  }
  if (cause instanceof WiroError) {
    if (cause.kind === 'unauthorized') {
      return {
        code: 'upstream_unauthorized',
        message: explainUnauthorized(cause),
        retryable: true,
      };
    }
    if (cause.kind === 'insufficientBalance') return tooLittleBalance(cause);
    return {
      code: 'upstream_unavailable',
      message: `${field} could not be uploaded to Wiro (${cause.why}).`,
      retryable: true,
    };
  }
  return { code: 'internal_error', message: `${field} could not be read from S3.`, field, retryable: true };
}

/** How long Wiro asks to wait after it refused an input for now. */
export const retryAfterOf = (error: unknown): number | undefined =>
  error instanceof InputError && error.cause instanceof WiroError ? error.cause.retryAfterMs : undefined;

/** Whether the system tries again. Not for a low balance: a person must add funds first. */
export const mayPass = ({ code, retryable }: GenerationError): boolean =>
  retryable && code !== 'insufficient_balance';

/** Code 97, from any call. */
export const tooLittleBalance = ({ why }: { readonly why: string }): GenerationError => ({
  code: 'insufficient_balance',
  message: `The Wiro account has too little balance (${why}). Nothing was run or charged: add funds at Wiro, then retry.`,
  retryable: true,
});

const unknownKind = (key: string): string =>
  `of which kind the object "${key}" is, neither its name nor its Content-Type nor its first bytes say. Wiro takes ${SUPPORTED_KINDS}: give its name that extension.`;

/** Adds what the end of a generation without a task means for money and what to do, unless the message says so. */
export function explainEndBeforeRun<Known extends Setback>(error: Known): Known {
  if (/charged|paid/.test(error.message)) return error;
  return { ...error, message: `${error.message} Nothing was run or charged${REMEDY[error.code] ?? '.'}` };
}

const REMEDY: Partial<Record<ErrorCode, string>> = {
  upstream_unavailable: ': retry it once Wiro can be reached.',
  upstream_unauthorized: ': retry it then.',
  internal_error: ': retry it.',
  not_configured: ': store them, then retry it.',
};
