import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/**
 * Asks a question on the terminal without echoing the answer.
 * @returns The answer, or `undefined` after Ctrl-C or Ctrl-D.
 */
export async function askHidden(question: string): Promise<string | undefined> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  const answer = await new Promise<string | undefined>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(undefined));
    lines.once('SIGINT', () => lines.close());
  });
  lines.close();
  process.stderr.write('\n');
  return answer;
}
