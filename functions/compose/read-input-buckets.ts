import { type InputPrefixes, parseInputPrefixes } from '../request/input-prefixes.ts';
import { ENV, readList, requireEnv } from '../settings.ts';

/** Reads the buckets and prefixes that inputs may come from. */
export function readInputBuckets(env: NodeJS.ProcessEnv): {
  readonly inputBucket: string;
  readonly furtherBuckets: readonly string[];
  readonly prefixes: InputPrefixes;
} {
  const inputBucket = requireEnv(ENV.inputBucket, env);
  const texts: unknown = JSON.parse(env[ENV.inputPrefixes] || '[]');
  // Never ignore an unreadable list: that would lift the restriction.
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === 'string'))
    throw new Error(
      `Cannot read ${ENV.inputPrefixes}: it must be a JSON list of strings. Deploy the stack again`,
    );
  return {
    inputBucket,
    furtherBuckets: readList(ENV.furtherInputBuckets, env),
    prefixes: parseInputPrefixes(texts, inputBucket),
  };
}
