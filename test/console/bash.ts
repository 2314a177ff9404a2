import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** Runs a script of bash, as far as it goes, and returns what it prints. */
export async function bash(script: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'wiro-samples-'));
  try {
    const file = path.join(folder, 'script.sh');
    await writeFile(file, `set -euo pipefail\nexec </dev/null\n${script}`);
    const { stdout } = await promisify(execFile)('bash', [file], {
      // Texts have to mean the same where no locale is set.
      env: { PATH: process.env.PATH, TMPDIR: folder, LC_ALL: 'C', ...env },
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

export interface Call {
  readonly args: readonly string[];
  readonly input: string;
}

/** What the commands of these samples are called with, by a shell that reads them. Nothing is sent. */
export async function callsOf(...samples: readonly string[]): Promise<readonly Call[]> {
  const said = await bash(
    `
said() { IFS= read -r -d '' input || :; printf '%s\\0' "$#" "$@" "$input"; }
curl() { said curl "$@"; }
aws() { said aws "$@"; }
${samples.join('\n')}`,
    { WIRO_API_KEY: 'key', WIRO_API_SECRET: 'secret' },
  );
  const words = said.split('\0');
  const calls: Call[] = [];
  for (let place = 0; place < words.length - 1; ) {
    const count = Number(words[place]);
    const args = words.slice(place + 1, place + 1 + count);
    calls.push({ args, input: words[place + 1 + count] ?? '' });
    place += count + 2;
  }
  return calls;
}
