import type * as esbuild from 'esbuild';

/** One function's code, ready to run locally or as a Lambda asset. */
export interface Bundle {
  /** Contains only `index.js` and the files it loads. Immutable: it is named after its content. */
  readonly directory: string;
  /** Lambda's `Handler` setting: `index.handler`. */
  readonly handler: string;
  /** esbuild's record of the inputs of each output file. */
  readonly metafile: esbuild.Metafile;
}
