import type * as esbuild from 'esbuild';

/** One function's code, ready to be run: locally or as a Lambda asset. */
export interface Bundle {
  /** Holds `index.js` and what it loads, and nothing else. Named after its content: never written to again. */
  readonly directory: string;
  /** As Lambda spells it: `index.handler`. */
  readonly handler: string;
  /** What went into which file, as esbuild tells it. */
  readonly metafile: esbuild.Metafile;
}
