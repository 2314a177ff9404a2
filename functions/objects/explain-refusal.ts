import type { GenerationError } from '../generation/errors.ts';
import type { InputAccessError } from './errors.ts';
import type { ObjectRef } from './types.ts';

/** Converts a permanent refusal of S3 into a generation's error, with its cause and remedy. */
export function explainRefusal(refusal: InputAccessError, field: string): GenerationError {
  const { code, deniedAction, bucket, key } = refusal;
  if (code === 'InvalidObjectState') return archived({ bucket, key }, field);
  const said = [code, deniedAction].filter(Boolean).join(', ');
  return { code: 'input_unreadable', message: `${field}: ${sentence()}`, field, retryable: false };

  function sentence(): string {
    if (code === 'NoSuchBucket') return `the bucket "${bucket}" does not exist: name another one.`;
    if (code === 'PermanentRedirect' || code === 'AuthorizationHeaderMalformed')
      return `the bucket "${bucket}" is in another region (${said}): copy the object to a bucket in this deployment's region.`;
    if (deniedAction?.startsWith('kms:') || code.startsWith('KMS.'))
      return `S3 cannot decrypt the object "${key}" in the bucket "${bucket}" for this deployment (${said}): grant its functions the use of the object's encryption key, then request it again.`;
    return `S3 denies this deployment access to the object "${key}" in the bucket "${bucket}" (${said}): grant its functions read access, then request it again.`;
  }
}

/** The error for an archived object. A HEAD shows the archive before S3 refuses a read. */
export const archived = ({ bucket, key }: ObjectRef, field: string): GenerationError => ({
  code: 'input_archived',
  message: `${field}: the object "${key}" in the bucket "${bucket}" is archived and cannot be read: restore it, then request it again.`,
  field,
  retryable: false,
});
