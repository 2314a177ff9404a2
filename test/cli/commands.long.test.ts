import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import sharp from 'sharp';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Generation, GenerationRow } from '../../client/index.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { startSsm } from '../../local/aws/ssm.ts';
import { ask } from '../console/console-world.ts';
import { eventually } from '../support/eventually.ts';
import { sha256, startSystem } from '../support/system.ts';
import { buildCommandLine, deployStack, publishEndpoints, REGION } from './command-line.ts';

vi.setConfig({ testTimeout: 240_000 });

const PHOTOS = path.resolve(import.meta.dirname, '../../examples/photos');
const system = await startSystem({ simulator: { outputs: 'composed' } });
const cli = await buildCommandLine();
await publishEndpoints(cli.folder, system.environment.endpoints);
for (const name of ['astronaut.png', 'photographer.png'])
  await copyFile(path.join(PHOTOS, name), cli.file(name));
const stack = await deployStack(system.environment.endpoints.api);
const nothing: Readonly<Record<string, string>> = {};
const places = [
  { place: 'the local environment', args: [] as readonly string[], env: nothing },
  { place: 'a stack', args: stack.args, env: stack.env },
];

const lines = (text: string) => text.trim().split('\n');
const jsonLines = <Value>(text: string) => lines(text).map((line) => JSON.parse(line) as Value);

describe.each(places)('against $place', ({ args, env }) => {
  const run = (...more: string[]) => cli.run([...args, ...more], env);

  it('run makes two pictures on disk of two photographs', async () => {
    const output = `pictures-${args.length}`;
    const ran = await run(
      'run',
      'wiro/story-maker-multi-character-consistency',
      ...[
        '-p',
        'prompt=Two friends watch a rocket',
        '-p',
        'samples=2',
        '-p',
        'width=256',
        '-p',
        'height=256',
      ],
      ...['-i', 'inputImage=astronaut.png', '-i', 'inputImage2=photographer.png', '--label', 'order=1'],
      ...['-o', output],
    );

    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    const [, id = ''] = /^Generation (\w+)$/m.exec(ran.stderr) ?? [];
    const record = await system.read(id);
    const names = [1, 2].map((sample) => `simulated-${record.taskId}-${sample}.png`);
    expect(lines(ran.stdout)).toEqual(names.map((name) => `${output}/${id}/${name}`));
    for (const [index, file] of lines(ran.stdout).entries()) {
      const bytes = await readFile(cli.file(file));
      expect(sha256(bytes)).toBe(record.outputs[index]?.sha256);
      expect(await sharp(bytes).metadata()).toMatchObject({ width: 256, height: 256 });
    }
    expect((await readdir(cli.file(`${output}/${id}`))).sort()).toEqual(names);
  });

  it('console serves the page over it until Ctrl-C, and says when its port is not free', async () => {
    const signedBefore = stack.signed.length;
    const serving = await cli.start([...args, 'console', '--json'], env);
    const stdout = await eventually('the link', async () => {
      const written = serving.output().stdout;
      return written.includes('\n') ? written : undefined;
    });
    const { link } = JSON.parse(stdout) as { readonly link: string };
    const { origin, host, port } = new URL(link);
    const opened = await ask(link, { headers: { host } });
    const headers = { host, cookie: (opened.headers['set-cookie']?.[0] ?? '').split(';')[0] };
    const [page, about, list] = await Promise.all(
      ['/', '/about', '/api/generations?limit=1'].map((path) => ask(`${origin}${path}`, { headers })),
    );

    expect(page?.body).toContain('<title>Wiro console</title>');
    expect(JSON.parse(about?.body ?? '')).toMatchObject({
      name: args.length === 0 ? 'local' : 'Shop',
      endpoint: { kind: args.length === 0 ? 'local' : 'stack' },
    });
    expect(JSON.parse(list?.body ?? '').generations).toHaveLength(1);
    expect(stack.signed.slice(signedBefore)).toEqual(args.length === 0 ? [] : ['GET /generations?limit=1']);
    expect(await run('console', '--port', port)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`Port ${port} is not free: choose another with --port`),
    });
    serving.process.kill('SIGINT');
    expect(await serving.ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('submit uploads, submits and downloads a table, and an agent lists it', async () => {
    const file = `few-${args.length}.csv`;
    await writeFile(
      cli.file(file),
      'model,prompt,inputImage\nwiro/text-to-image,A hill,\nwiro/image-to-image,A castle,astronaut.png\n',
    );
    const signedBefore = stack.signed.length;

    const submitted = await run('submit', file, '--label', `batch=${file}`, '-o', 'few', '--json');
    const again = await run('submit', file, '--label', `batch=${file}`, '--json');
    const mcp = new McpClient({ name: 'test', version: '1' });
    const [command, ...first] = cli.command;
    await mcp.connect(
      new StdioClientTransport({
        command,
        args: [...first, ...args, 'mcp', '--budget', '1'],
        cwd: cli.folder,
        env: { ...cli.env, ...env },
      }),
    );
    const { content } = await mcp.callTool({ name: 'list', arguments: { limit: 2 } });
    await mcp.close();

    expect(submitted, submitted.stderr).toMatchObject({ code: 0 });
    const rows = jsonLines<{ id: string; status: string; files: readonly string[] }>(submitted.stdout);
    expect(rows.map(({ status, files }) => [status, files.length])).toEqual([
      ['succeeded', 1],
      ['succeeded', 1],
    ]);
    expect(
      jsonLines<{ id: string }>(again.stdout)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(rows.map(({ id }) => id).sort());
    for (const { id } of rows) expect(JSON.stringify(content)).toContain(id);
    const signed = stack.signed.slice(signedBefore);
    if (args.length === 0) expect(signed).toEqual([]);
    else expect(signed).toEqual(expect.arrayContaining(['POST /uploads', 'GET /generations?limit=3']));
  });

  it('doctor finds nothing wrong with what its API shows', async () => {
    const { code, stdout } = await run('doctor', '--json');

    const { findings } = JSON.parse(stdout) as { findings: { check: string; status: string }[] };
    const ok = findings.filter(({ status }) => status === 'ok').map(({ check }) => check);
    expect(ok).toEqual(expect.arrayContaining(['api', 'clock', 'wiro', 'upload', 'output link']));
    const wrong = findings.filter(({ status }) => status === 'wrong').map(({ check }) => check);
    // The stack above is an API and nothing else.
    expect([code, wrong]).toEqual(args.length === 0 ? [0, []] : [1, ['stack']]);
  });

  it('models, a model and the price of a request are shown', async () => {
    const [models, model, price, wrong] = await Promise.all([
      run('models', 'text', 'to', 'image'),
      run('models', 'wiro/text-to-image'),
      run('price', 'wiro/picture-batch', '-p', 'prompt=x', '-p', 'samples=3', '--json'),
      run('price', 'wiro/text-to-image', '-p', 'promt=x'),
    ]);

    expect(models.stdout).toMatch(/^MODEL +PRICE +TITLE\n/);
    expect(models.stdout).toContain('wiro/text-to-image');
    expect(model.stdout).toMatch(/^prompt +required +textarea/m);
    expect(JSON.parse(price.stdout)).toMatchObject({ valid: true, price: { certainty: 'exact', usd: 0.06 } });
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(lines(wrong.stderr)).toEqual([
      expect.stringContaining('parameters.prompt is missing'),
      expect.stringContaining('Did you mean "prompt"?'),
    ]);
  });

  it('what ran is listed, shown, downloaded and counted', async () => {
    const label = `list-${args.length}`;
    const ran = await run(
      'run',
      'wiro/text-to-image',
      '-p',
      'prompt=A hill',
      '--label',
      `batch=${label}`,
      '--json',
    );
    const record = JSON.parse(ran.stdout) as Generation & { files: string[] };
    const { id } = record;

    const table = await run('list', '--label', `batch=${label}`);
    const rows = await run('list', '--label', `batch=${label}`, '--json');
    const shown = await run('show', id);
    const json = await run('show', id, '--json', '--watch');
    const again = await run('download', id);
    const elsewhere = await run('download', id, '-o', `elsewhere-${args.length}`, '--json');
    const usage = await run('usage', '--by', 'model');

    const name = `simulated-${record.taskId}-1.png`;
    expect(record).toMatchObject({ status: 'succeeded', costUsd: 0.04, files: [`outputs/${id}/${name}`] });
    expect(table.stdout).toMatch(
      new RegExp(`^${id} +succeeded +.*\\$0\\.04 +wiro/text-to-image +${name}`, 'm'),
    );
    expect(jsonLines<GenerationRow>(rows.stdout)).toMatchObject([{ id, labels: { batch: label } }]);
    expect(shown.stdout).toMatch(/^Cost +\$0\.04$/m);
    expect(shown.stdout).toMatch(/Z +outputs copied to the bucket +1 outputs$/m);
    expect(JSON.parse(json.stdout)).toMatchObject({
      id,
      timeline: expect.arrayContaining([{ what: 'end', at: record.endedAt, attempt: 1 }]),
    });
    expect(lines(again.stdout)).toEqual([`outputs/${id}/${name}`]);
    expect(jsonLines(elsewhere.stdout)).toMatchObject([
      { id, path: `elsewhere-${args.length}/${id}/${name}` },
    ]);
    expect(await readdir(cli.file(`outputs/${id}`))).toEqual([name]);
    expect(usage.stdout).toMatch(/^total +\d+/m);
  });

  it('cancel and retry work on ids and on what a list finds, after asking', async () => {
    const label = `many-${args.length}`;
    const plans = [1, 2].map(() => system.plan({ operation: 'task', fault: { kind: 'fails' }, times: 1 }));
    for (const { idempotencyKey } of plans)
      await system.submit({
        model: 'wiro/text-to-image',
        parameters: { prompt: 'A hill' },
        labels: { batch: label },
        idempotencyKey,
      });
    for (const { id } of plans) expect((await system.ended(id)).status).toBe('failed');
    const ids = plans.map(({ id }) => id).sort();

    const unasked = await run('retry', '--label', `batch=${label}`);
    const retried = await run('retry', '--label', `batch=${label}`, '--yes', '--json');
    for (const { id } of plans) await system.reached(id, ({ status }) => status === 'succeeded');
    const nothingLeft = await run('retry', '--label', `batch=${label}`, '--yes');
    const [id = ''] = ids;
    const late = await run('cancel', id);
    const everything = await run('cancel');
    const unknown = await run('retry', 'none', id);

    expect(unasked).toMatchObject({ code: 2, stdout: '' });
    expect(unasked.stderr).toContain('There is no terminal to ask on: add --yes to retry 2 generations.');
    expect(
      jsonLines<{ id: string }>(retried.stdout)
        .map((row) => row.id)
        .sort(),
    ).toEqual(ids);
    expect(nothingLeft).toMatchObject({ code: 0, stderr: expect.stringContaining('No generation matches.') });
    expect(late).toMatchObject({ code: 0, stdout: `${id}  succeeded\n` });
    expect(everything).toMatchObject({ code: 2, stderr: expect.stringContaining('Which generations?') });
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(/^none: There is no generation "none"/m);
    expect(unknown.stderr).toMatch(/^0 generations of 2 could retry; 2 could not\.$/m);
  });

  it('a generation that fails ends with 1 and its reason', async () => {
    const { idempotencyKey, id } = system.plan({
      operation: 'task',
      fault: { kind: 'fails', message: 'CUDA \u001b[2Jout of memory' },
    });

    const failed = await run('run', 'wiro/text-to-image', '-p', 'prompt=A hill', '--key', idempotencyKey);

    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain(`Generation ${id} failed: `);
    expect(failed.stderr).toContain(`npx wiro-serverless ${[...args, 'show', id].join(' ')}"`);
    expect(failed.stderr).not.toContain('\u001b');
  });

  it('Ctrl-C says how to go on, and the generation goes on', async () => {
    const { idempotencyKey, id } = system.plan({
      operation: 'task',
      fault: { kind: 'stuck' },
    });
    const running = await cli.start(
      [...args, 'run', 'wiro/text-to-image', '-p', 'prompt=A hill', '--key', idempotencyKey],
      env,
    );
    await eventually('progress', () => running.output().stderr.includes('running at Wiro'));

    running.process.kill('SIGINT');
    const { code, stderr } = await running.ended;

    expect(code).toBe(130);
    expect(stderr).toContain(
      `Interrupted. The generation goes on: follow it with "npx wiro-serverless ${[...args, 'show', id, '--watch'].join(' ')}".`,
    );
    expect((await system.read(id)).status).toBe('running');
    expect(await run('cancel', id)).toMatchObject({ code: 0 });
    await system.ended(id);
    expect(await run('show', id, '--watch')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`Generation ${id} was cancelled.`),
    });
  });
});

it('every request to a stack is signed, but the one that reads its clock', () => {
  expect(stack.unsigned).toEqual(['/']);
  expect(stack.signed).toEqual(expect.arrayContaining(['POST /generations', 'POST /uploads']));
});

it('a deployment that is not reached ends with 3 and a remedy', async () => {
  const strangers = { ...stack.env, AWS_SECRET_ACCESS_KEY: 'another' };
  const [stranger, unknown, elsewhere, nowhere, noKeys, dead] = await Promise.all([
    cli.run([...stack.args, 'list'], strangers),
    cli.run([...stack.args, 'list'], { ...stack.env, AWS_ACCESS_KEY_ID: 'AKIDUNKNOWN' }),
    cli.run(['--stack', 'Shop', '--region', 'us-east-1', 'list'], stack.env),
    cli.run(['--stack', 'Shop', 'list'], stack.env),
    cli.run([...stack.args, 'list'], { ...stack.env, AWS_ACCESS_KEY_ID: '' }),
    cli.run(['--data', await deadEnvironment(), 'list']),
  ]);

  expect(stranger).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('HTTP 403: check the credentials'),
  });
  expect(unknown).toMatchObject({ code: 3, stderr: expect.stringContaining('AWS rejected the credentials') });
  expect(elsewhere).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('There is no stack "Shop" in us-east-1'),
  });
  expect(nowhere).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('The AWS region is missing: add --region'),
  });
  expect(noKeys).toMatchObject({ code: 3, stderr: expect.stringContaining('Found no AWS credentials') });
  expect(dead).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('does not answer: start it with "npm start"'),
  });
});

it('setup stores the secrets of a stack, and needs its name', async () => {
  const ssm = await startSsm({ region: REGION });
  afterAll(() => ssm.stop());
  const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS;
  const account = {
    AWS_ENDPOINT_URL_SSM: ssm.endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };

  const [nameless, keyless] = await Promise.all([
    cli.run(['setup']),
    cli.run([...stack.args, 'setup'], account),
  ]);
  const stored = await cli.run([...stack.args, 'setup'], {
    ...account,
    WIRO_API_KEY: 'key-of-the-project',
    WIRO_API_SECRET: 'secret-of-the-project',
  });
  const again = await cli.run([...stack.args, 'setup'], account);

  expect(nameless).toMatchObject({ stdout: '', stderr: expect.stringContaining('add --stack NAME') });
  expect(keyless).toMatchObject({ code: 1, stderr: expect.stringContaining('WIRO_API_KEY') });
  expect(stored, stored.stderr).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/Wiro API key: stored\n.*\n? +callback secret: stored\n/),
  });
  expect(stored.stdout).not.toContain('of-the-project');
  expect(again.stdout).toMatch(/callback secret: unchanged/);
});

async function deadEnvironment(): Promise<string> {
  await writeFile(
    cli.file('endpoints.json'),
    JSON.stringify({ api: 'http://127.0.0.1:9', region: 'us-east-1' }),
  );
  return cli.folder;
}

it('wrong usage ends with 2, and the help and version with 0', async () => {
  const [unknown, option, nothingNamed, help, version] = await Promise.all([
    cli.run(['lst']),
    cli.run(['list', '--stauts', 'failed']),
    cli.run([]),
    cli.run(['help', 'run']),
    cli.run(['--version']),
  ]);

  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('(Did you mean list?)') });
  expect(option).toMatchObject({ code: 2, stderr: expect.stringContaining('(Did you mean --status?)') });
  expect(nothingNamed).toMatchObject({ code: 2, stdout: '' });
  expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('--input <name=file>') });
  expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});
