import { Token } from 'aws-cdk-lib';
import { isUnder, parseInputPrefixes } from '../../functions/request/input-prefixes.ts';
import type { Presets } from '../../functions/request/preset.ts';
import type { WiroGenerationsProps } from '../wiro-generations-props.ts';
import { checkPresets } from './check-presets.ts';
import { messageOf } from './configuration-error.ts';
import { formError, INPUT_PREFIX, inputBucketName } from './form.ts';

// What generations may read: the presets' own inputs, and `inputPrefixes`.

export function presetsError(presets: Presets | undefined): string | undefined {
  try {
    if (presets !== undefined) checkPresets(presets);
    return undefined;
  } catch (error) {
    return `presets: ${messageOf(error)}`;
  }
}

/** Every input that a preset brings itself, with the name of its property. */
export const inputsOf = (presets: Presets): readonly (readonly [field: string, text: string])[] =>
  Object.entries(presets).flatMap(([name, { inputs = {} }]) =>
    Object.entries(inputs).flatMap(([parameter, source]) =>
      [source].flat().map((text) => [`presets.${name}.inputs.${parameter}`, text] as const),
    ),
  );

/** A preset's own input fails for every file if the functions may not read its bucket. */
export function presetBucketError(
  { presets = {}, inputBucket, furtherInputBuckets = [] }: WiroGenerationsProps,
  namePrefix: string,
): string | undefined {
  const readable = [...(inputBucket ? [inputBucket] : []), ...furtherInputBuckets].map(
    ({ bucketName }) => bucketName,
  );
  // A bucket of the app may be the right one, because its name is only known at deployment.
  if (readable.some((name) => Token.isUnresolved(name))) return undefined;
  for (const [field, text] of inputsOf(presets)) {
    const [, bucket] = /^s3:\/\/([^/]+)/.exec(text) ?? [];
    if (bucket === undefined || Token.isUnresolved(bucket) || readable.includes(bucket)) continue;
    // The end of our own bucket's name is only known at deployment.
    if (inputBucket === undefined && bucket.startsWith(`${inputBucketName(namePrefix)}-`)) continue;
    return `${field} names the bucket "${bucket}", which this deployment may not read: add the bucket to furtherInputBuckets.`;
  }
  return undefined;
}

/** A placeholder for the name of an input bucket that the construct creates. */
const NEW_BUCKET = '';

/** Lambda limits a function's environment variables to 4 KB in total. */
const MOST_PREFIX_BYTES = 500;

export function inputPrefixesError({
  inputPrefixes: given,
  inputBucket,
  furtherInputBuckets = [],
  presets = {},
}: WiroGenerationsProps): string | undefined {
  if (given !== undefined && !Array.isArray(given))
    return 'inputPrefixes is not a list: pass a list, for example ["inputs/"].';
  if (given?.length === 0)
    return 'inputPrefixes is empty: omit it to allow every object, or add at least one prefix, for example ["inputs/"].';
  const inputPrefixes = given ?? [];
  if (JSON.stringify(inputPrefixes).length > MOST_PREFIX_BYTES)
    return `inputPrefixes takes more than ${MOST_PREFIX_BYTES} bytes as JSON: use fewer or shorter prefixes.`;
  const own = inputBucket?.bucketName ?? NEW_BUCKET;
  const known = [own, ...furtherInputBuckets.map(({ bucketName }) => bucketName)];
  for (const text of inputPrefixes) {
    const error = formError('inputPrefixes', text, INPUT_PREFIX);
    if (error !== undefined) return error;
    const [bucket = ''] = parseInputPrefixes([text], own).keys();
    if (!known.includes(bucket) && ![bucket, ...known].some((name) => Token.isUnresolved(name)))
      return `inputPrefixes names the bucket "${bucket}", which this deployment may not read: add the bucket to furtherInputBuckets, or omit "s3://" for a prefix in the input bucket.`;
  }
  const prefixes = parseInputPrefixes(inputPrefixes, own);
  for (const [field, text] of inputsOf(presets)) {
    const [isObject, bucket = own, key = text] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(text) ?? [];
    if (isObject === undefined && text.includes('://')) continue;
    const allowed = prefixes.get(bucket);
    if (allowed !== undefined && !isUnder(key, allowed))
      return `${field} names an object outside inputPrefixes: add its prefix.`;
  }
  return undefined;
}
