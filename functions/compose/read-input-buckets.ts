import { type InputPrefixes, parseInputPrefixes } from '../request/input-prefixes.ts';
import { ENV, readList, requireEnv } from '../settings.ts';

/** The buckets that inputs may come from, and where in them. */
export function readInputBuckets(env: NodeJS.ProcessEnv): {
  readonly inputBucket: string;
  readonly furtherBuckets: readonly string[];
  readonly prefixes: InputPrefixes;
} {
  const inputBucket = requireEnv(ENV.inputBucket, env);
  const texts: unknown = JSON.parse(env[ENV.inputPrefixes] || '[]');
  // Read as "everywhere", a list that cannot be read would open what it is to close.
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === 'string'))
    throw new Error(`${ENV.inputPrefixes} must be a JSON list of texts`);
  return {
    inputBucket,
    furtherBuckets: readList(ENV.furtherInputBuckets, env),
    prefixes: parseInputPrefixes(texts, inputBucket),
  };
}
