import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { judgeNotFound } from '../doctor/check-stack.ts';
import type { Finding } from '../doctor/finding.ts';
import { describeFindings, examine } from '../doctor/run-doctor.ts';
import { CliError, EXIT } from '../errors.ts';
import { count } from '../text.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .description(
      'Checks what goes wrong on a first day: access, secrets, Wiro, callbacks, S3, limits and alarms, each with its ' +
        'remedy. Nothing is run or charged; one upload of 57 bytes expires by itself.',
    )
    .action(async () => {
      const findings = await find(cli);
      const wrong = findings.filter(({ status }) => status === 'wrong').length;
      if (cli.isJson) cli.printJson({ ok: wrong === 0, findings });
      else
        cli.print(
          `${describeFindings(findings)}\n\n${wrong === 0 ? 'Nothing is wrong.' : `${count(wrong, 'finding')}.`}`,
        );
      if (wrong > 0) process.exitCode = EXIT.failed;
    });
}

async function find(cli: Cli): Promise<readonly Finding[]> {
  const deployment = await cli.deployment().catch((error: unknown) => {
    // A wrong command line is no finding.
    if (!(error instanceof CliError) || error.exitCode === EXIT.usage) throw error;
    return error;
  });
  if (deployment instanceof CliError) return judgeNotFound(deployment.message);
  return examine(
    deployment,
    { version: cli.version, setup: `"${cli.commandLine('setup')}"` },
    { signal: cli.signal },
  );
}
