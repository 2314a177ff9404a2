import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../local/aws/credentials.ts';
import type { LocalService } from '../../local/aws/local-service.ts';
import { startSsm } from '../../local/aws/ssm.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CDK = path.join(ROOT, 'node_modules/.bin/cdk');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let home: string;
let ssm: LocalService;
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'wiro-commands-'));
  ssm = await startSsm({ region: LOCAL_REGION });
});
afterAll(async () => {
  await ssm.stop();
  await rm(home, { recursive: true });
});

/** Runs a program without an AWS account, unless `env` sets one. */
function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const bare = { PATH, NODE_COMPILE_CACHE, HOME: home, AWS_EC2_METADATA_DISABLED: 'true', ...env };
  return new Promise((resolve) => {
    const child = execFile(program, args, { cwd: ROOT, env: bare }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
    child.stdin?.end();
  });
}

describe('cdk synth', () => {
  it('needs no AWS account', async () => {
    const out = path.join(home, 'cdk.out');

    const ended = await run(CDK, ['synth', '--quiet', '--output', out], {
      CDK_DISABLE_CLI_TELEMETRY: 'true',
    });

    expect(ended).toMatchObject({ code: 0 });
  }, 120_000);

  it.each([
    [
      { wiroApiUrl: 'https://api.wiro.ai' },
      'WiroServerless/Wiro: wiroApiUrl is "https://api.wiro.ai": use a URL that ends in /v1, for example https://api.wiro.ai/v1.\n',
    ],
    [
      { retentionDays: '1', deadlineMinutes: '2880' },
      'WiroServerless/Wiro: retention is 1 day, shorter than the deadline of 2 days: inputs would expire before their ' +
        'generation ends. Use a longer retention or a shorter deadline.\n',
    ],
  ])(
    'refuses the settings %j with one sentence',
    async (settings, sentence) => {
      const ended = await run(process.execPath, ['infra/app.ts'], {
        // The CDK CLI passes the settings and the output folder like this.
        CDK_CONTEXT_JSON: JSON.stringify(settings),
        CDK_OUTDIR: path.join(home, 'refused'),
      });

      expect(ended).toEqual({ code: 1, stdout: '', stderr: sentence });
    },
    60_000,
  );
});

describe('npm run setup', () => {
  const account = () => ({
    AWS_ENDPOINT_URL: ssm.endpoint,
    AWS_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  });
  const setup = (args: readonly string[], env: NodeJS.ProcessEnv) =>
    run(process.execPath, ['infra/setup/setup.ts', ...args], env);

  it('prints what it stored, where, and the next command, but no secret', async () => {
    const given = { WIRO_API_KEY: 'canary-key', WIRO_API_SECRET: 'canary-secret' };

    const { code, stdout, stderr } = await setup(['--stack', 'Blue'], { ...account(), ...given });

    expect(code).toBe(0);
    expect(stdout).toContain('Under /wiro/Blue:');
    expect(stdout).toContain('callback secret: stored');
    expect(stdout).toContain('Next: npx cdk deploy -c stackName=Blue\n');
    expect(stdout + stderr).not.toMatch(/canary|[A-Za-z0-9_-]{43}/);
  }, 60_000);

  it.each([
    ['no region', { AWS_REGION: undefined, WIRO_API_KEY: 'k' }, [], /AWS region is missing: set AWS_REGION/],
    [
      'no credentials',
      { AWS_ACCESS_KEY_ID: undefined, WIRO_API_KEY: 'k' },
      [],
      /Found no AWS credentials: set AWS_PROFILE/,
    ],
    ['credentials that AWS refuses', { AWS_ACCESS_KEY_ID: 'other' }, [], /AWS rejected the credentials/],
    ['no terminal', {}, ['--stack', 'Empty'], /WIRO_API_KEY is missing/],
    ['an unknown option', {}, ['--nope'], /Unknown option '--nope'/],
    ['a path that SSM refuses', {}, ['--path', '/aws/x'], /parameterPath is "\/aws\/x"/],
  ])(
    'answers %s with a sentence',
    async (_, env, args, sentence) => {
      const { code, stderr } = await setup(args, { ...account(), ...env });

      expect(code).toBe(1);
      expect(stderr).toMatch(sentence);
      expect(stderr).not.toContain('    at ');
    },
    60_000,
  );
});
