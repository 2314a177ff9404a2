import type { GenerationError } from '../generation/errors.ts';
import type { InputAccessError } from './errors.ts';
import type { ObjectRef } from './types.ts';

/** What it means for a request that S3 refuses an object for good: the cause, and who can mend it. */
export function explainRefusal(refusal: InputAccessError, field: string): GenerationError {
  const { code, deniedAction, bucket, key } = refusal;
  if (code === 'InvalidObjectState') return archived({ bucket, key }, field);
  const said = [code, deniedAction].filter(Boolean).join(', ');
  return { code: 'input_unreadable', message: `${field}: ${sentence()}`, field, retryable: false };

  function sentence(): string {
    if (code === 'NoSuchBucket') return `the bucket "${bucket}" does not exist: name another one.`;
    if (code === 'PermanentRedirect' || code === 'AuthorizationHeaderMalformed')
      return `the bucket "${bucket}" lies in another region (${said}): copy the object into one of this deployment's region.`;
    if (deniedAction?.startsWith('kms:') || code.startsWith('KMS.'))
      return `S3 cannot decrypt the object "${key}" in the bucket "${bucket}" for this deployment (${said}): let its functions use the encryption key of the object, then request it again.`;
    return `S3 refuses this deployment the object "${key}" in the bucket "${bucket}" (${said}): let its functions read it, then request it again.`;
  }
}

/** Also where a HEAD shows it, before S3 refuses anything. */
export const archived = ({ bucket, key }: ObjectRef, field: string): GenerationError => ({
  code: 'input_archived',
  message: `${field}: the object "${key}" in the bucket "${bucket}" lies in an archive, where nobody can read it: restore it first, then request it again.`,
  field,
  retryable: false,
});
