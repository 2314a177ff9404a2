/** Prefixes of keys that requests may name, by bucket. A bucket that is not in it is not restricted. */
export type InputPrefixes = ReadonlyMap<string, readonly string[]>;

/**
 * Reads prefixes as a deployment gives them, spelled like the sources that they are for.
 * @param texts - `prefix/` in the input bucket, or `s3://bucket/prefix/`.
 */
export function parseInputPrefixes(texts: readonly string[], inputBucket: string): InputPrefixes {
  const places = texts.map((text) => {
    const [, bucket, prefix] = /^s3:\/\/([^/]*)\/?(.*)$/su.exec(text) ?? [];
    return { bucket: bucket ?? inputBucket, prefix: prefix ?? text };
  });
  const byBucket = Map.groupBy(places, ({ bucket }) => bucket);
  return new Map([...byBucket].map(([bucket, those]) => [bucket, those.map(({ prefix }) => prefix)]));
}

/**
 * Whether a key lies under one of the prefixes. Keys are compared as S3 has them, letter by letter: nothing is decoded
 * or resolved. One that whatever stands between could resolve to another key (`inputs/../private`) lies under none.
 */
export function isUnder(key: string, prefixes: readonly string[]): boolean {
  const isResolvable = key.split('/').some((segment) => segment === '.' || segment === '..');
  return !isResolvable && prefixes.some((prefix) => key.startsWith(prefix));
}
