/** Allowed prefixes of input keys, by bucket. A bucket without an entry is not restricted. */
export type InputPrefixes = ReadonlyMap<string, readonly string[]>;

/**
 * Reads the prefixes of a deployment's settings. They are written like the sources of inputs.
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
 * Whether a key is under one of the prefixes. Keys are compared literally, as S3 does, without decoding. A key with a `.`
 * or `..` segment (`inputs/../private`) is under none, because a proxy could resolve it to another key.
 */
export function isUnder(key: string, prefixes: readonly string[]): boolean {
  const isResolvable = key.split('/').some((segment) => segment === '.' || segment === '..');
  return !isResolvable && prefixes.some((prefix) => key.startsWith(prefix));
}
