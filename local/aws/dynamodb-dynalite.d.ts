declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface DynaliteOptions {
    /** Directory of a LevelDB. Without it, tables are in memory. */
    readonly path?: string;
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
    readonly updateTableMs?: number;
  }

  /** An HTTP server whose `close` also closes the database. */
  export default function dynalite(options?: DynaliteOptions): Server;
}
