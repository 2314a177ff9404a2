import path from 'node:path';

/**
 * Has every Node process that is started from here, and from those, keep what V8 made of its code: the suites start
 * thousands, most of them a Lambda function that is killed a moment later.
 */
export function keepCompiled(): void {
  process.env.NODE_COMPILE_CACHE ??= path.resolve(
    import.meta.dirname,
    '../../node_modules/.cache/node-compile-cache',
  );
}
