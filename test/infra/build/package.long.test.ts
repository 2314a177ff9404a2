import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { glob, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../../local/aws/credentials.ts';
import { startSsm } from '../../../local/aws/ssm.ts';
import { eventually } from '../../support/eventually.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const INSTALLED = path.join(ROOT, 'node_modules');

/** A CDK app as `cdk init` creates it, in CommonJS. */
const APP = `
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { GenerationTable, type Presets, WiroCredentials, WiroGenerations } from 'wiro-serverless';

const app = new App();
const stack = new Stack(app, 'Shop');
const presets: Presets = { portraits: { model: 'owner/project', fileParameter: 'inputImage' } };
const wiro = new WiroGenerations(stack, 'Wiro', {
  credentials: WiroCredentials.fromParameters({ path: '/shop/wiro' }),
  inputBucket: new s3.Bucket(stack, 'Photos', { enforceSSL: true }),
  outputBucket: process.env.RENDERS ? s3.Bucket.fromBucketName(stack, 'Renders', process.env.RENDERS) : undefined,
  table: new GenerationTable(stack, 'Records'),
  eventBus: events.EventBus.fromEventBusName(stack, 'Bus', 'default'),
  retention: Duration.days(30),
  deadline: Duration.hours(1),
  maximumConcurrency: 4,
  presets,
});
wiro.onSucceeded('Tell', { target: new targets.SqsQueue(new sqs.Queue(stack, 'Queue')) });
const role = new iam.Role(stack, 'Backend', { assumedBy: new iam.AccountRootPrincipal() });
wiro.grantSubmit(role);
wiro.grantRead(role);

// A second deployment with every resource that the construct creates, for principals of another account.
const own = new WiroGenerations(new Stack(app, 'Own'), 'Wiro', {
  credentials: WiroCredentials.fromParameters(),
  retention: Duration.days(30),
  removalPolicy: RemovalPolicy.DESTROY,
  observability: 'full',
  presets,
});
// A bucket that the construct creates has the type \`Bucket\`, without a cast. One that the app brings keeps its type.
own.outputBucket.addLifecycleRule({ expiration: Duration.days(3), prefix: 'outputs/drafts/' });
own.grantSubmit(new iam.AccountPrincipal('222222222222'));
own.grantRead(new iam.AccountPrincipal('222222222222'));

// Declarations that do not resolve would be \`any\` and accept all of these.
// @ts-expect-error
new WiroGenerations(stack, 'A', {});
// @ts-expect-error
new WiroGenerations(stack, 'B', { credentials: WiroCredentials.fromParameters(), maximumConcurrency: '4' });
// @ts-expect-error
const wrong: Presets = { portraits: { model: 1 } };
// @ts-expect-error
wiro.functions.nothing;
// @ts-expect-error
wiro.outputBucket.addLifecycleRule({});
`
  // Exits before the code that must not compile.
  .replace('// Declarations', 'app.synth(); process.exit(0);\n// Declarations');

/** Somebody's backend, which talks to a deployment. */
const CLIENT_APP = `
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient, type Generation, WiroServerlessError } from 'wiro-serverless/client';

let signature = '';
const server = createServer((request, response) => {
  signature = String(request.headers.authorization).split(' ')[0] ?? '';
  response.writeHead(418).end();
}).listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as AddressInfo;
  const wiro = createClient({
    url: 'http://127.0.0.1:' + port,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  // @ts-expect-error
  wiro.submit({ parameters: {} }).catch(() => {});
  const generation: Generation | WiroServerlessError = await wiro.get('x').catch((error) => error);
  if (generation instanceof WiroServerlessError) console.log(generation.code, signature);
  server.closeAllConnections();
  server.close();
});
`;

const TSCONFIG = {
  compilerOptions: {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    skipLibCheck: true,
    types: ['node'],
    allowUnreachableCode: true,
  },
  files: ['app.ts'],
};

interface Ended {
  readonly code: number;
  readonly said: string;
}

const execute = promisify(execFile);
let folder: string;
let installed: string;

/** Runs Node in the app's folder. Its environment only shares our compile cache, which saves compiling CDK again. */
const run = (args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ended> => {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const env = { PATH, NODE_COMPILE_CACHE, HOME: folder, CDK_OUTDIR: path.join(folder, 'cdk.out'), ...more };
  return execute(process.execPath, [...args], { cwd: folder, env }).then(
    ({ stdout, stderr }) => ({ code: 0, said: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ code: Number(code), said: stdout + stderr }),
  );
};

/** Reads a template's resources, except CDK's own functions, which differ between its versions. */
async function resourcesIn(out: string, stack: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(path.join(out, `${stack}.template.json`), 'utf8');
  const { Resources } = JSON.parse(text.replace(/\b[0-9a-f]{64}\b/g, 'hash'));
  const entries = Object.entries<{ DependsOn?: unknown }>(Resources).filter(([id]) => !OF_CDK.test(id));
  return Object.fromEntries(entries.map(([id, { DependsOn: _, ...resource }]) => [id, resource]));
}

const OF_CDK = /^CDKMetadata|NotificationsHandler|^CustomS3AutoDeleteObjects/;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wiro-package-'));
  installed = path.join(folder, 'node_modules/wiro-serverless');
  await execute('npm', ['pack', '--pack-destination', folder, '--loglevel', 'error'], { cwd: ROOT });
  const { version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
  // Does what `npm install` of the tarball would do, but links CDK, the package's only dependency.
  await execute('tar', ['-xzf', `wiro-serverless-${version}.tgz`], { cwd: folder });
  await mkdir(path.join(folder, 'node_modules/@types'), { recursive: true });
  await rename(path.join(folder, 'package'), installed);
  for (const peer of ['aws-cdk-lib', 'constructs', '@types/node'])
    await symlink(path.join(INSTALLED, peer), path.join(folder, 'node_modules', peer), 'junction');
  await writeFile(path.join(folder, 'package.json'), '{"name":"shop"}');
  await writeFile(path.join(folder, 'app.ts'), APP);
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the package, installed in another CDK app', () => {
  it('only needs CDK, and contains no sources, tests or secrets', async () => {
    const manifest = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8'));
    const { stdout } = await execute('find', ['.', '-type', 'f'], { cwd: installed });

    expect(manifest.dependencies ?? {}).toEqual({});
    expect(Object.keys(manifest.peerDependencies)).toEqual(['aws-cdk-lib', 'constructs']);
    const tops = new Set(
      stdout
        .trim()
        .split('\n')
        .map((file) => file.split('/')[1]),
    );
    expect([...tops].sort()).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'dist', 'docs', 'package.json']),
    );
    for (const top of ['functions', 'infra', 'local', 'test', 'bench', '.local'])
      expect([...tops]).not.toContain(top);
    expect(await readFile(path.join(installed, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8')).toMatch(
      /^undici /m,
    );
  });

  it('type-checks against its declarations, synthesizes under plain Node, and passes CDK’s own validation', async () => {
    const compiled = await run([path.join(INSTALLED, 'typescript/bin/tsc')]);
    expect(compiled).toEqual({ code: 0, said: '' });

    const synthesized = await run(['app.js']);

    expect(synthesized.code, synthesized.said).toBe(0);
    const template = JSON.parse(await readFile(path.join(folder, 'cdk.out/Shop.template.json'), 'utf8'));
    const assets = JSON.parse(await readFile(path.join(folder, 'cdk.out/Shop.assets.json'), 'utf8'));
    const functions = Object.values<{ Type: string; Properties: { Description?: string } }>(
      template.Resources,
    )
      .filter(({ Type }) => Type === 'AWS::Lambda::Function')
      .map(({ Properties }) => Properties.Description);
    expect(functions).toContainEqual(
      expect.stringContaining('Accepts generations and returns their records.'),
    );
    // Each of the four bundles is an asset of this app.
    const folders = Object.values<{ source: { path: string } }>(assets.files).map(
      ({ source }) => source.path,
    );
    expect(folders.filter((asset) => asset.startsWith('asset.')).length).toBeGreaterThanOrEqual(4);
  }, 120_000);

  it('creates the same resources with the oldest CDK that its peer dependencies allow', async () => {
    const { peerDependencies } = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8'));
    const oldest = { 'aws-cdk-lib': 'aws-cdk-lib-floor', constructs: 'constructs-floor' };
    for (const [peer, floor] of Object.entries(oldest)) {
      const { version } = JSON.parse(await readFile(path.join(INSTALLED, floor, 'package.json'), 'utf8'));
      expect(peerDependencies[peer]).toBe(`^${version}`);
      await rm(path.join(folder, 'node_modules', peer));
      await symlink(path.join(INSTALLED, floor), path.join(folder, 'node_modules', peer), 'junction');
    }
    try {
      // The two packages find each other through the symlinks' folder, where npm would install them.
      const compiled = await run([path.join(INSTALLED, 'typescript/bin/tsc'), '--preserveSymlinks']);
      const out = path.join(folder, 'cdk.floor');
      const options = ['--preserve-symlinks', '--preserve-symlinks-main'];
      const synthesized = await run([...options, 'app.js'], { CDK_OUTDIR: out });

      expect(compiled).toEqual({ code: 0, said: '' });
      expect(synthesized.code, synthesized.said).toBe(0);
      for (const stack of ['Shop', 'Own'])
        expect(await resourcesIn(out, stack)).toEqual(await resourcesIn(path.join(folder, 'cdk.out'), stack));
    } finally {
      for (const peer of Object.keys(oldest)) {
        await rm(path.join(folder, 'node_modules', peer));
        await symlink(path.join(INSTALLED, peer), path.join(folder, 'node_modules', peer), 'junction');
      }
    }
  }, 120_000);

  it('imports JavaScript files in its declarations, as older compilers expect', async () => {
    const { types } = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8'));

    const declarations = await readFile(path.join(installed, types), 'utf8');
    expect(declarations).toContain("'./construct/wiro-generations.js'");
    expect(declarations).not.toMatch(/\.ts'/);
  });

  it('has no dead link in its documentation', async () => {
    const dead: string[] = [];
    for await (const page of glob('{docs/**/*.md,CHANGELOG.md}', { cwd: installed })) {
      const text = await readFile(path.join(installed, page), 'utf8');
      for (const [, link = ''] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g))
        if (!existsSync(path.join(installed, path.dirname(page), link))) dead.push(`${page}: ${link}`);
    }

    expect(dead).toEqual([]);
    expect(existsSync(path.join(installed, 'dist/types/functions/settings.d.ts'))).toBe(true);
  });

  it('explains how to reinstall if its own code is missing, not how the repository bundles it', async () => {
    const script =
      "const { App, Stack } = require('aws-cdk-lib'); const { WiroCredentials, WiroGenerations } = require('wiro-serverless');" +
      "new WiroGenerations(new Stack(new App(), 'S'), 'W', { credentials: WiroCredentials.fromParameters() })";
    const lambda = path.join(installed, 'dist/lambda');
    await rename(lambda, `${lambda}-away`);
    try {
      const { said } = await run(['--eval', script]);

      expect(said).toMatch(/the functions' code is missing from the package .*: reinstall wiro-serverless\./);
      expect(said).not.toContain('bundleFunctions');
    } finally {
      await rename(`${lambda}-away`, lambda);
    }
  });

  it('brings a client of under 10 kB, which loads its signer only to sign', async () => {
    await writeFile(path.join(folder, 'client.mts'), CLIENT_APP);
    const client = path.join(installed, 'dist/client');
    const text = await readFile(path.join(client, 'index.js'), 'utf8');
    const options = '--module nodenext --target es2022 --strict --types node --skipLibCheck';

    const compiled = await run([
      path.join(INSTALLED, 'typescript/bin/tsc'),
      '--ignoreConfig',
      ...options.split(' '),
      'client.mts',
    ]);
    const ran = await run(['client.mjs']);

    expect(compiled).toEqual({ code: 0, said: '' });
    expect(ran).toEqual({ code: 0, said: 'http_418 AWS4-HMAC-SHA256\n' });
    expect((await stat(path.join(client, 'index.js'))).size).toBeLessThan(10_000);
    expect(text).not.toMatch(/AWS4-HMAC|node:|\brequire\(/);
  });

  it('can be imported from an ES module', async () => {
    const script = "import { WiroGenerations } from 'wiro-serverless'; console.log(WiroGenerations.name)";

    const { said } = await run(['--input-type=module', '--eval', script]);

    expect(said.trim()).toBe('WiroGenerations');
  });

  it('provides the command line as a command', async () => {
    const { bin, version } = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8'));
    const command = path.join(installed, bin['wiro-serverless']);

    const told = await run([command, '--version']);
    const help = await run([command, 'run', '--help']);

    expect(told.said.trim()).toBe(version);
    expect(help.said).toContain('--input <name=file>');
  });

  it('provides the setup of the secrets as a command', async () => {
    const { bin } = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8'));
    const command = path.join(installed, bin['wiro-serverless-setup']);
    const ssm = await startSsm({ region: LOCAL_REGION });
    try {
      const account = {
        AWS_ENDPOINT_URL: ssm.endpoint,
        AWS_REGION: LOCAL_REGION,
        AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
      };

      const help = await run([command, '--help']);
      const setUp = await run([command, '--stack', 'Shop', '--key-only'], { ...account, WIRO_API_KEY: 'k' });

      expect(help).toMatchObject({ code: 0, said: expect.stringContaining('--stack NAME') });
      expect(help.said).toMatch(
        /^npx wiro-serverless-setup \(--stack NAME \| --path \/wiro\/NAME\) \[--key-only/,
      );
      expect(setUp.said).toMatch(/Under \/wiro\/Shop:\n {2}Wiro API key: stored/);
      expect(setUp.code).toBe(0);
      // Other apps name their stacks in code and have no `-c stackName`.
      expect(setUp.said).toContain('Next: npx cdk deploy Shop\n');
      const nowhere = await run([command, '--key-only'], { ...account, WIRO_API_KEY: 'k' });
      expect(nowhere).toMatchObject({
        code: 1,
        said: expect.stringMatching(/^The stack is missing: add --stack/),
      });
      const rotated = await run([command, '--path', '/wiro/None', '--rotate'], account);
      expect(rotated.said).toContain('run "npx wiro-serverless-setup" without --rotate');
      for (const { said } of [help, setUp, nowhere, rotated])
        expect(said).not.toMatch(/npm run|WiroServerless|parameterPath|-c \w+=|\.ts\b/);
      // npm starts the command by this line.
      expect(await readFile(command, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    } finally {
      await ssm.stop();
    }
  });

  it('provides the simulator of Wiro as a command, without an image library', async () => {
    const { bin, version } = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8'));
    const command = path.join(installed, bin['wiro-simulator']);
    const { PATH } = process.env;

    const told = await run([command, '--version']);
    const help = await run([command, '--help']);
    const wrong = await run([command, '--port', 'x']);
    const simulator = spawn(
      process.execPath,
      [command, '--port', '0', '--json', '--task-duration', '20', '--key-only'],
      {
        cwd: folder,
        env: { PATH },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    try {
      const [line] = (await once(simulator.stdout, 'data')) as [Buffer];
      const { url, apiUrl, apiKey } = JSON.parse(line.toString()) as Record<string, string>;
      const ask = async (route: string, body: unknown) => {
        const headers = { 'content-type': 'application/json', 'x-api-key': apiKey ?? '' };
        const answer = await fetch(`${apiUrl}/${route}`, {
          method: 'POST',
          headers,
          body: JSON.stringify(body),
        });
        return (await answer.json()) as {
          taskid: string;
          tasklist: { outputs: { name: string; url: string }[] }[];
        };
      };
      const { taskid } = await ask('Run/wiro/text-to-image', {
        prompt: 'A lighthouse',
        width: 256,
        height: 256,
      });
      const output = await eventually('the picture', async () => {
        const { tasklist } = await ask('Task/Detail', { taskid });
        return tasklist[0]?.outputs[0];
      });
      const picture = Buffer.from(await (await fetch(output.url)).arrayBuffer());

      expect(told).toEqual({ code: 0, said: `${version}\n` });
      expect(help).toMatchObject({ code: 0, said: expect.stringMatching(/^npx wiro-simulator \[options\]/) });
      expect(wrong).toEqual({ code: 1, said: '--port is "x": use a number of 0 or more.\n' });
      expect(line.toString().trim().split('\n')).toHaveLength(1);
      expect(apiUrl).toBe(`${url}/v1`);
      expect(output.name).toBe(`simulated-${taskid}-1.png`);
      expect([picture.toString('latin1', 1, 4), picture.readUInt32BE(16)]).toEqual(['PNG', 256]);
    } finally {
      simulator.kill();
    }
    expect(await readFile(command, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
