import { SET_UP } from '../aws/set-up.ts';
import type { GenerationError } from '../generation/errors.ts';
import { KINDS_TAKEN, notTaken } from '../generation/file-kind.ts';
import { InputAccessError, InputChangedError } from '../objects/errors.ts';
import { explainRefusal } from '../objects/explain-refusal.ts';
import { WiroError } from '../wiro/errors.ts';
import { FileRefusedError, InputError, UnsupportedFileError, UploadsRefusedError } from './bring-inputs.ts';

/** What a failure to bring an input means for its generation. */
export function explainInputFailure(error: unknown): GenerationError {
  if (!(error instanceof InputError)) throw error;
  const { field, cause } = error;
  if (cause instanceof InputChangedError) {
    return {
      code: 'input_changed',
      message: `${field} is no longer the object that was accepted: it was replaced or deleted. Request it again.`,
      field,
      retryable: false,
    };
  }
  if (cause instanceof InputAccessError) return explainRefusal(cause, field);
  if (cause instanceof UnsupportedFileError) {
    return {
      code: 'input_unsupported',
      message: `${field}: ${cause.kind === undefined ? unknownKind(cause.key) : notTaken(cause.key, cause.kind)}`,
      field,
      retryable: false,
    };
  }
  if (cause instanceof FileRefusedError) {
    return {
      code: 'upstream_refused',
      message: `Wiro refused ${field}, and took another file at that time: ${cause.message}`,
      field,
      retryable: false,
    };
  }
  if (cause instanceof UploadsRefusedError) {
    return {
      code: 'upstream_refused',
      message: `Wiro refuses every upload of this project: set inputHandover to "auto" or "presigned", or ask Wiro. (${cause.message})`,
      retryable: true,
    };
  }
  if (cause instanceof WiroError) {
    if (cause.kind === 'unauthorized') {
      return {
        code: 'upstream_unauthorized',
        message: `Wiro does not accept this deployment's API key: ${SET_UP} with the right one.`,
        retryable: true,
      };
    }
    if (cause.kind === 'insufficientBalance') return tooLittleBalance(cause);
    return {
      code: 'upstream_unavailable',
      message: `${field} could not be uploaded to Wiro: ${cause.message}`,
      retryable: true,
    };
  }
  return { code: 'internal_error', message: `${field} could not be read from S3.`, field, retryable: true };
}

/** Whether it is tried again by us. A balance does not grow by itself: a person adds funds, then retries. */
export const mayPass = ({ code, retryable }: GenerationError): boolean =>
  retryable && code !== 'insufficient_balance';

/** Code 97, by whatever call. */
export const tooLittleBalance = ({ message }: { readonly message: string }): GenerationError => ({
  code: 'insufficient_balance',
  message: `The Wiro account has too little balance: add funds, then retry. (${message})`,
  retryable: true,
});

const unknownKind = (key: string): string =>
  `of which kind the object "${key}" is, neither its name nor its Content-Type nor its first bytes say. Wiro takes ${KINDS_TAKEN}: give its name that extension.`;
