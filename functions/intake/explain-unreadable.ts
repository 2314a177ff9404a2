import type { GenerationError } from '../generation/errors.ts';
import type { InputAccessError } from '../objects/errors.ts';
import { explainRefusal } from '../objects/explain-refusal.ts';

/** Explains that S3 refuses to give a received file. */
export function explainUnreadable(error: InputAccessError): GenerationError {
  const { field: _, ...explained } = explainRefusal(error, 'This file');
  return explained;
}
