import { S3ServiceException } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { type AcceptDeps, checkRequest } from '../../functions/intake/accept-generation.ts';
import { InputAccessError } from '../../functions/objects/errors.ts';
import type { FoundObject, ObjectRef } from '../../functions/objects/types.ts';
import { parseRequest } from '../../functions/request/request.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { at } from '../generation/examples.ts';

const rules = { inputBucket: 'photos', furtherBuckets: ['shared'] };

type Head = (ref: ObjectRef) => Promise<FoundObject | undefined>;

/** Checks a request with one input, with this answer of S3. */
const check = (head: Head, source = 'a.png') => checkInputs(head, { image: source });

async function checkInputs(
  head: Head,
  inputs: Readonly<Record<string, string | readonly string[]>>,
  {
    hasTime,
    knownModel = async () => undefined,
  }: Partial<Pick<AcceptDeps, 'knownModel'>> & { hasTime?: () => boolean } = {},
) {
  const deps: AcceptDeps = {
    deployment: 'shop',
    inputs: { head },
    generations: {
      get: async () => undefined,
      accept: () => Promise.reject(new Error('nothing is to be accepted')),
    },
    knownModel,
    durations: DURATIONS,
    clock: () => new Date(at(0)),
  };
  const request = parseRequest({ model: 'wiro/flux', inputs }, rules);
  return checkRequest(deps, request, { origin: 'api', ...(hasTime && { hasTime }) });
}

const refusedWith = (name: string, message: string, ref: ObjectRef) =>
  new InputAccessError(ref, new S3ServiceException({ name, message, $fault: 'client', $metadata: {} }));

it.each([
  [
    'AccessDenied',
    'User: arn:aws:sts::123456789012:assumed-role/r/f is not authorized to perform: kms:Decrypt on resource: k',
    'input_unreadable',
    'inputs.image: S3 cannot decrypt the object "a.png" in the bucket "photos" for this deployment (AccessDenied, kms:Decrypt): grant its functions the use of the object\'s encryption key, then request it again.',
  ],
  [
    'AccessDenied',
    'not authorized to perform: s3:GetObject with an explicit deny',
    'input_unreadable',
    'inputs.image: S3 denies this deployment access to the object "a.png" in the bucket "photos" (AccessDenied, s3:GetObject): grant its functions read access, then request it again.',
  ],
  [
    'PermanentRedirect',
    'Use the endpoint of the bucket',
    'input_unreadable',
    `inputs.image: the bucket "photos" is in another region (PermanentRedirect): copy the object to a bucket in this deployment's region.`,
  ],
  [
    'InvalidObjectState',
    'Not valid for the storage class',
    'input_archived',
    'inputs.image: the object "a.png" in the bucket "photos" is archived and cannot be read: restore it, then request it again.',
  ],
])(
  'an input that S3 refuses permanently is refused with the cause and the remedy: %s, %s',
  async (name, said, code, message) => {
    const refused = check((ref) => Promise.reject(refusedWith(name, said, ref)));

    await expect(refused).rejects.toMatchObject({
      name: 'RequestError',
      error: { code, message, field: 'inputs.image', retryable: false },
    });
  },
);

it('an input in a bucket that is gone is refused, naming the bucket', async () => {
  const refused = check(
    (ref) => Promise.reject(refusedWith('NoSuchBucket', 'It does not exist', ref)),
    's3://shared/b.png',
  );

  await expect(refused).rejects.toMatchObject({
    error: {
      code: 'input_unreadable',
      message: 'inputs.image: the bucket "shared" does not exist: name another one.',
    },
  });
});

it('an archived input is refused before a generation tries to read it', async () => {
  const refused = check(async (ref) => ({ ...ref, etag: '"e"', sizeBytes: 3, isArchived: true }));

  await expect(refused).rejects.toMatchObject({ error: { code: 'input_archived', field: 'inputs.image' } });
});

it('a passing failure of S3 is not a refusal', async () => {
  const failed = check(() => Promise.reject(new Error('SlowDown')));

  await expect(failed).rejects.toThrow('SlowDown');
});

it('keeps the accepted version if its bucket is versioned', async () => {
  const checked = await check(async (ref) => ({ ...ref, etag: '"e"', sizeBytes: 3, versionId: 'v1' }));

  expect(checked.kind === 'new' && checked.checked.request.inputs).toEqual({
    image: [
      {
        kind: 'object',
        text: 'a.png',
        bucket: 'photos',
        key: 'a.png',
        etag: '"e"',
        sizeBytes: 3,
        versionId: 'v1',
      },
    ],
  });
});

const HUNDRED = Array.from({ length: 100 }, (_, index) => `${index}.png`);

/** An S3 that counts its requests. */
function countedHeads(found: (key: string) => boolean = () => false) {
  const asked: string[] = [];
  const head: Head = async (ref) => {
    asked.push(ref.key);
    return found(ref.key) ? { ...ref, etag: '"e"', sizeBytes: 3 } : undefined;
  };
  return { asked, head };
}

it('checks no input for a parameter that its model does not have', async () => {
  const { asked, head } = countedHeads();
  const knownModel: AcceptDeps['knownModel'] = async () => ({
    kind: 'model',
    modelKind: 'plain',
    schema: { parameters: [{ id: 'image', type: 'fileinput', required: true }] },
  });

  const refused = checkInputs(head, { image: 'a.png', mask: HUNDRED }, { knownModel });

  await expect(refused).rejects.toMatchObject({
    problems: [
      { code: 'invalid_parameter', field: 'inputs.mask' },
      { code: 'input_not_found', field: 'inputs.image' },
    ],
  });
  expect(asked).toEqual(['a.png']);
});

it('looks up few inputs while the model is looked up, and leaves out those that the model has no parameter for', async () => {
  const { asked, head } = countedHeads();
  const bothAsked = Promise.withResolvers<void>();
  const lookedUp: Head = async (ref) => {
    const found = await head(ref);
    if (asked.length === 2) bothAsked.resolve();
    return found;
  };
  const knownModel: AcceptDeps['knownModel'] = async () => {
    await bothAsked.promise;
    return {
      kind: 'model',
      modelKind: 'plain',
      schema: { parameters: [{ id: 'image', type: 'fileinput', required: true }] },
    };
  };

  const refused = checkInputs(lookedUp, { image: 'a.png', mask: 'b.png' }, { knownModel });

  await expect(refused).rejects.toMatchObject({
    problems: [
      { code: 'invalid_parameter', field: 'inputs.mask' },
      { code: 'input_not_found', field: 'inputs.image' },
    ],
  });
});

it('finds what is wrong with the other inputs though S3 fails for one that the model has no parameter for', async () => {
  const head: Head = async ({ key }) => {
    if (key === 'b.png') throw new Error('SlowDown');
    return undefined;
  };
  const knownModel: AcceptDeps['knownModel'] = async () => ({
    kind: 'model',
    modelKind: 'plain',
    schema: { parameters: [{ id: 'image', type: 'fileinput', required: true }] },
  });

  const refused = checkInputs(head, { image: 'a.png', mask: 'b.png' }, { knownModel });

  await expect(refused).rejects.toMatchObject({
    problems: [{ field: 'inputs.mask' }, { code: 'input_not_found', field: 'inputs.image' }],
  });
});

it('stops after a hundred wrong inputs', async () => {
  const { asked, head } = countedHeads();

  const refused = checkInputs(head, { image: HUNDRED, mask: HUNDRED });

  await expect(refused).rejects.toMatchObject({ problems: { length: 100 } });
  // Some checks were already under way.
  expect(asked.length).toBeLessThan(110);
});

it('stops when there is no time, and reports the problems found so far', async () => {
  const look = (found: boolean) => {
    const { asked, head } = countedHeads(() => found);
    return { asked, checked: checkInputs(head, { image: HUNDRED }, { hasTime: () => asked.length < 20 }) };
  };
  const { asked, checked } = look(true);

  await expect(checked).rejects.toThrow('No time is left');
  expect(asked).toHaveLength(20);
  await expect(look(false).checked).rejects.toMatchObject({ name: 'RequestError' });
});
