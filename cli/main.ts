#!/usr/bin/env node
import { readFileSync } from 'node:fs';

/** The manifest is beside the folder of this file, in the repository and in the package. */
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};
// npm runs scripts in the package's folder. Files are named from where the user is.
const { npm_lifecycle_event: script, INIT_CWD: startedIn } = process.env;
if ((script === 'cli' || script === 'console') && startedIn !== undefined) process.chdir(startedIn);

const args = process.argv.slice(2);
// Nothing is loaded for it.
if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) console.log(version);
else {
  const { runProgram } = await import('./program.ts');
  process.exitCode = await runProgram(args, { version });
}
