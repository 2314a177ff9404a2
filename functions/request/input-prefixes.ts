/** Prefixes of keys that requests may name, by bucket. A bucket that is not in it is not restricted. */
export type InputPrefixes = ReadonlyMap<string, readonly string[]>;

/**
 * Reads prefixes as a deployment gives them, spelled like the sources that they are for.
 * @param texts - `prefix/` in the input bucket, or `s3://bucket/prefix/`.
 */
export function parseInputPrefixes(texts: readonly string[], inputBucket: string): InputPrefixes {
  const byBucket = new Map<string, readonly string[]>();
  for (const text of texts) {
    const [, bucket = inputBucket, prefix = text] = /^s3:\/\/([^/]*)\/?(.*)$/su.exec(text) ?? [];
    byBucket.set(bucket, [...(byBucket.get(bucket) ?? []), prefix]);
  }
  return byBucket;
}

/**
 * Whether a key lies under one of the prefixes. Keys are compared as S3 has them, letter by letter: nothing is decoded
 * or resolved. One that whatever stands between could resolve to another key (`inputs/../private`) lies under none.
 */
export function isUnder(key: string, prefixes: readonly string[]): boolean {
  const isResolvable = key.split('/').some((segment) => segment === '.' || segment === '..');
  return !isResolvable && prefixes.some((prefix) => key.startsWith(prefix));
}
