import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DeleteParametersCommand, GetParametersByPathCommand } from '@aws-sdk/client-ssm';
import type { Account } from './account.ts';
import { deleteStack } from './delete-stack.ts';
import { CommandError, runCommand } from './run-command.ts';

export interface StackOptions {
  readonly account: Account;
  readonly stackName: string;
  /** `-c name=value` for `cdk deploy`. */
  readonly context: Readonly<Record<string, string | undefined>>;
  readonly wiro: { readonly apiKey: string; readonly apiSecret: string | undefined };
}

/** The stack's outputs. */
export interface StackOutputs {
  readonly apiUrl: string;
  readonly callbackUrl: string;
  readonly inputBucket: string;
  readonly outputBucket: string;
  readonly table: string;
  readonly eventBus: string;
}

/** The stack, deployed and removed with its users' commands. */
export interface Stack {
  readonly parameterPath: string;
  bootstrap(signal: AbortSignal): Promise<void>;
  /** `npm run setup`. */
  storeSecrets(signal: AbortSignal): Promise<void>;
  deploy(signal: AbortSignal): Promise<StackOutputs>;
  /** Removes the stack, even after a failed deployment. @returns A note, if something was unusual. */
  destroy(): Promise<string>;
  removeSecrets(): Promise<void>;
  /** Removes the files on this machine. */
  close(): Promise<void>;
}

const CDK = 'node_modules/aws-cdk/bin/cdk';

export async function createStack({ account, stackName, context, wiro }: StackOptions): Promise<Stack> {
  const folder = await mkdtemp(path.join(tmpdir(), 'wiro-acceptance-'));
  const assembly = path.join(folder, 'cdk.out');
  const outputsFile = path.join(folder, 'outputs.json');
  const parameterPath = `/wiro/${stackName}`;
  const { WIRO_API_KEY: _, WIRO_API_SECRET: __, ...rest } = process.env;
  const env = { ...rest, AWS_REGION: account.region, CDK_DISABLE_CLI_TELEMETRY: 'true' };
  const cdk = (command: string, args: readonly string[], signal?: AbortSignal) =>
    runCommand({
      name: `cdk ${command}`,
      script: CDK,
      args: [command, '--no-notices', '--no-color', ...args],
      env,
      ...(signal && { signal }),
    });
  const settings = Object.entries({ stackName, test: 'true', ...context }).flatMap(([name, value]) =>
    value === undefined ? [] : ['--context', `${name}=${value}`],
  );

  return {
    parameterPath,
    bootstrap: (signal) => cdk('bootstrap', ['--output', path.join(folder, 'bootstrap')], signal),
    storeSecrets: (signal) =>
      runCommand({
        name: 'npm run setup',
        script: 'infra/setup/setup.ts',
        args: ['--stack', stackName, ...(wiro.apiSecret === undefined ? ['--key-only'] : [])],
        env: {
          ...env,
          WIRO_API_KEY: wiro.apiKey,
          ...(wiro.apiSecret !== undefined && { WIRO_API_SECRET: wiro.apiSecret }),
        },
        signal,
      }),
    deploy: async (signal) => {
      const wanted = ['--require-approval', 'never', '--output', assembly, '--outputs-file', outputsFile];
      await cdk('deploy', [...wanted, ...settings], signal);
      const printed = JSON.parse(await readFile(outputsFile, 'utf8')) as Record<
        string,
        Record<string, string>
      >;
      return readOutputs(printed[stackName] ?? {});
    },
    destroy: async () => {
      // Without an assembly nothing was deployed. Use the deployed assembly: the sources may have changed.
      const isSynthesized = await access(path.join(assembly, 'manifest.json')).then(
        () => true,
        () => false,
      );
      if (!isSynthesized) return '';
      try {
        await cdk('destroy', ['--force', '--app', assembly]);
        return '';
      } catch (error) {
        const said = error instanceof CommandError ? error.printed.split('\n').at(-1) : String(error);
        await deleteStack(account, stackName);
        return `by DeleteStack, after cdk destroy said "${said}"`;
      }
    },
    removeSecrets: async () => {
      const { Parameters = [] } = await account.ssm.send(
        new GetParametersByPathCommand({ Path: parameterPath }),
      );
      const Names = Parameters.flatMap(({ Name }) => Name ?? []);
      if (Names.length > 0) await account.ssm.send(new DeleteParametersCommand({ Names }));
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

function readOutputs(values: Readonly<Record<string, string>>): StackOutputs {
  const value = (name: string) => {
    const found = values[name];
    if (!found) throw new Error(`The stack has no output ${name}`);
    return found;
  };
  return {
    apiUrl: value('ApiUrl'),
    callbackUrl: value('CallbackUrl'),
    inputBucket: value('InputBucketName'),
    outputBucket: value('OutputBucketName'),
    table: value('TableName'),
    eventBus: value('EventBusName'),
  };
}
