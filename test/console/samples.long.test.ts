import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Endpoint, type Form, type SampleId, samplesOf } from '../../console/samples/index.ts';
import { toPython } from '../../console/samples/quote.ts';
import type { GenerationRecord } from '../../functions/api/record.ts';
import type { Presets } from '../../functions/request/preset.ts';
import { ROOT } from '../docs/blocks.ts';
import { eventually } from '../support/eventually.ts';
import { picture } from '../support/pictures.ts';
import { startSystem } from '../support/system.ts';
import { bash } from './bash.ts';
import { HOSTILE, LOCAL } from './forms.ts';
import { startSignedApi } from './signed-api.ts';

// Every sample is run as a reader would, with texts that break out of careless quotes, and arrives as it was.

// A compiler and other languages start, on two busy cores.
vi.setConfig({ testTimeout: 180_000 });

const run = promisify(execFile);

const PROMPT = HOSTILE.join(' | ');
/** Linux takes no argument of more than 128 KB. */
const LONG = `${PROMPT} ${"it's long ".repeat(20_000)}`;
const KEY = `photos/it's "$one" \`two\` ü 👩‍🚀.png`;
const DROP: Form = {
  model: 'wiro/image-to-image',
  parameters: { prompt: PROMPT, samples: 2 },
  inputs: { inputImage: [KEY] },
  endpoint: LOCAL,
};

const textOf = (form: Form, id: SampleId): string =>
  samplesOf(form).find((sample) => sample.id === id)?.text ?? expect.fail(`There is no sample ${id}`);

const system = await startSystem({ presets: JSON.parse(textOf(DROP, 'preset')) as Presets });
const { endpoints } = system.environment;
const { simulator } = system;
await system.put(KEY, picture(), 'image/png');
await system.put('second.png', picture(), 'image/png');

const local: Endpoint = {
  kind: 'local',
  url: `${endpoints.api}/`,
  region: endpoints.region,
  bucket: endpoints.inputBucket,
  bus: endpoints.eventBus,
  s3Url: endpoints.s3,
  eventsUrl: endpoints.events,
  wiroUrl: endpoints.wiro,
};
const keys = { accessKeyId: 'AKID', secretAccessKey: 'a/secret+key', sessionToken: 'a/session+token==' };
const signed = await startSignedApi(endpoints.api, 'eu-central-1', keys);
const stack: Endpoint = { kind: 'stack', url: signed.url, region: 'eu-central-1' };
const AWS_ENV = {
  AWS_ACCESS_KEY_ID: keys.accessKeyId,
  AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  AWS_SESSION_TOKEN: keys.sessionToken,
};

/** A form of two pictures and texts, which a test finds again by its label. */
const storyFor = (sample: string, endpoint = local): Form => ({
  model: 'wiro/story-maker-multi-character-consistency',
  parameters: { prompt: PROMPT, negativePrompt: HOSTILE.toReversed().join('\n'), steps: 5, scale: 2.5 },
  inputs: { inputImage: [KEY], inputImage2: [`s3://${endpoints.inputBucket}/second.png`] },
  labels: { sample, text: PROMPT.slice(0, 200).toWellFormed() },
  endpoint,
});

function expectArrived(record: GenerationRecord, { model, parameters, inputs, labels }: Form): void {
  const written = Object.fromEntries(Object.entries(inputs).map(([name, [source]]) => [name, source]));
  expect(record).toMatchObject({ model, inputs: written, ...(labels && { labels }) });
  expect(record.parameters).toEqual(parameters);
}

/** The record of the generation that these filters find. */
async function found(query: string): Promise<GenerationRecord> {
  const id = await eventually(`a generation with ${query}`, async () => {
    const { body } = await system.call('GET', `/generations?${query}`);
    return (body as { generations: { id: string }[] }).generations[0]?.id;
  });
  return system.read(id);
}

// Below the root, where the packages are found.
await mkdir(path.join(ROOT, '.build'), { recursive: true });
const folder = await mkdtemp(path.join(ROOT, '.build/samples-'));
afterAll(() => rm(folder, { recursive: true }));
const save = async (name: string, text: string): Promise<string> => {
  const file = path.join(folder, name);
  await writeFile(file, text);
  return file;
};

const AWS = `aws() { '${process.execPath}' '${path.join(ROOT, 'test/docs/aws.ts')}' "$@"; }`;

it.each([
  ['locally', local, 0, PROMPT],
  ['signed for a stack, longer than an argument may be', stack, 1, LONG],
])('curl, %s', async (_, endpoint, passed, prompt) => {
  const form = { ...storyFor('curl', endpoint), parameters: { prompt } };
  const before = signed.passed();

  const record = JSON.parse(await bash(textOf(form, 'curl'), AWS_ENV));

  expectArrived(record, form);
  expect(signed.passed() - before).toBe(passed);
});

it.each([
  ['locally', local],
  ['signed for a stack', stack],
])('TypeScript, %s', async (_, endpoint) => {
  const form = storyFor(`typescript ${endpoint.kind}`, endpoint);
  const before = signed.passed();
  const file = await save(`typescript-${endpoint.kind}.mts`, withClient(textOf(form, 'typescript')));

  const { stdout } = await run(process.execPath, [file], { env: { ...process.env, ...AWS_ENV } });

  expect(stdout).toMatch(/^\S+\.png http\S+\n$/);
  expectArrived(await found(`label.sample=${encodeURIComponent(`typescript ${endpoint.kind}`)}`), form);
  expect(signed.passed() > before).toBe(endpoint.kind === 'stack');
});

it.each([
  ['locally', local],
  ['signed for a stack', stack],
])('Python, %s', async (_, endpoint) => {
  const form = storyFor(`python ${endpoint.kind}`, endpoint);
  const before = signed.passed();
  const file = await save('sample.py', textOf(form, 'python'));

  const { stdout } = await run('python3', [file], { env: { ...process.env, ...AWS_ENV } });

  expect(stdout).toMatch(/^\S+\.png http\S+\n$/);
  expectArrived(await found(`label.sample=${encodeURIComponent(`python ${endpoint.kind}`)}`), form);
  expect(signed.passed() > before).toBe(endpoint.kind === 'stack');
});

it('Python reads each value as it was', async () => {
  const text = fc.string({ unit: 'binary' }).map((one) => one.toWellFormed());
  const values = [
    ...HOSTILE,
    ...fc.sample(fc.oneof(fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 }), text), 150),
  ].map((value) => JSON.parse(JSON.stringify(value)));
  const lines = values.map((value) => `print(json.dumps(${toPython(value)}))`);
  const file = await save('values.py', `import json\n${lines.join('\n')}\n`);

  const { stdout } = await run('python3', [file], { maxBuffer: 64 * 1024 * 1024 });

  const read = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(read).toEqual(values);
});

it('Python says why a request is refused', async () => {
  const file = await save('refused.py', textOf({ ...storyFor('refused'), model: 'wiro/none' }, 'python'));

  const refused = run('python3', [file]);

  await expect(refused).rejects.toMatchObject({ stderr: expect.stringContaining('model_not_found') });
});

it('AWS CLI', async () => {
  const form = storyFor('aws-cli');

  await bash(`${AWS}\n${textOf(form, 'aws-cli')}`);

  expectArrived(await found('label.sample=aws-cli'), form);
});

it('S3 request file', async () => {
  const form = storyFor('request-file');

  await system.put('requests/sample.json', textOf(form, 'request-file'));

  expectArrived(await found('label.sample=request-file'), form);
});

it('event', async () => {
  const form = storyFor('event');

  const answer = JSON.parse(await bash(`${AWS}\n${textOf(form, 'event')}`));

  expect(answer).toEqual({ FailedEntryCount: 0 });
  expectArrived(await found('label.sample=event&origin=event'), form);
});

it('preset', async () => {
  await system.put('uploads/image-to-image/dropped.png', picture(), 'image/png');

  const record = await found('origin=s3&model=wiro/image-to-image');

  expectArrived(record, {
    ...DROP,
    inputs: { inputImage: [`s3://${endpoints.inputBucket}/uploads/image-to-image/dropped.png`] },
  });
});

it.each([
  [
    'with files, and longer than an argument may be',
    { inputImage: [KEY], inputImage2: [`s3://${endpoints.inputBucket}/second.png`] },
  ],
  ['without files', {}],
])('Wiro request, %s', async (_, inputs) => {
  const form = { ...storyFor('wiro'), inputs };
  const parameters = { ...form.parameters, prompt: LONG };
  const heard: string[] = [];
  const server = createServer(async (request, response) => {
    heard.push((await buffer(request)).toString());
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const callback = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ended`;
    const text = textOf({ ...form, parameters }, 'wiro').replaceAll(
      'https://example.com/wiro-callback',
      callback,
    );

    const answer = JSON.parse(
      await bash(`${AWS}\n${text}`, {
        WIRO_API_KEY: simulator.apiKey,
        WIRO_API_SECRET: simulator.apiSecret,
      }),
    );

    expect(answer).toMatchObject({ result: true });
    const task = simulator.tasks().find(({ id }) => id === answer.taskid);
    expect(task).toMatchObject({ callbackUrl: callback });
    expect(task?.inputUrls).toHaveLength(Object.keys(inputs).length);
    // A multipart body holds texts alone.
    const texts = Object.entries(parameters).map(([name, value]) => [name, String(value)]);
    const given = Object.entries(task?.parameters ?? {}).map(([name, value]) => [name, String(value)]);
    expect(given).toEqual(expect.arrayContaining(texts));
    await eventually('the callback', () => heard.some((body) => body.includes(answer.taskid)));
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

const STORY = storyFor('cdk');
const CDK = {
  preset: { ...STORY, inputs: { ...STORY.inputs, further: ['s3://further-photos/a.png'] } },
  schedule: { ...STORY, inputs: {} },
};

it('CDK: the stacks have what the form asks for', async () => {
  const bundle = { directory: path.join(ROOT, 'test/infra/fixtures/code'), handler: 'index.handler' };
  // The repository has no bundles of its own.
  await save(
    'wiro-serverless.ts',
    `import { WiroGenerations as Generations } from '../../infra/index.ts';
export { WiroCredentials } from '../../infra/index.ts';
const bundle = ${JSON.stringify(bundle)};
const code = { api: bundle, submit: bundle, callback: bundle, reconcile: bundle };
export class WiroGenerations extends Generations {
  constructor(scope: never, id: string, props: object) {
    super(scope, id, { ...props, code } as never);
  }
}
`,
  );
  for (const [name, form] of Object.entries(CDK))
    await save(`run-${name}.ts`, textOf(form, 'cdk').replace("'wiro-serverless'", "'./wiro-serverless.ts'"));
  const app = await save(
    'app.ts',
    `import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { PicturesStack as Preset } from './run-preset.ts';
import { PicturesStack as Schedule } from './run-schedule.ts';
const app = new App({ outdir: ${JSON.stringify(path.join(folder, 'cdk.out'))} });
console.log(JSON.stringify([new Preset(app, 'Preset'), new Schedule(app, 'Schedule')].map((stack) => Template.fromStack(stack).toJSON())));
`,
  );

  const { stdout } = await run(process.execPath, [app], {
    env: { ...process.env, CDK_VALIDATION: 'false' },
    maxBuffer: 64 * 1024 * 1024,
  });

  const [preset, schedule] = JSON.parse(stdout) as readonly {
    readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: unknown }>>;
  }[];
  const propertiesOf = (template: typeof preset, type: string) =>
    Object.values(template?.Resources ?? {}).flatMap(({ Type, Properties }) =>
      Type === type ? [Properties] : [],
    );
  const environments = propertiesOf(preset, 'AWS::Lambda::Function').flatMap((properties) =>
    Object.values((properties as { Environment?: { Variables: object } }).Environment?.Variables ?? {}),
  );
  const { parameters, model, labels } = CDK.preset;
  expect(environments.flatMap((value) => parse(value))).toContainEqual({
    'story-maker-multi-character-consistency': {
      model,
      fileParameter: 'inputImage',
      parameters,
      inputs: { inputImage2: 'second.png', further: 's3://further-photos/a.png' },
    },
  });
  const [planned] = propertiesOf(schedule, 'AWS::Scheduler::Schedule') as {
    readonly Target: { readonly Input: string; readonly EventBridgeParameters: object };
  }[];
  expect(JSON.parse(planned?.Target.Input ?? '')).toEqual({ model, parameters, labels });
  expect(planned?.Target.EventBridgeParameters).toEqual({
    DetailType: 'Generation Requested',
    Source: 'my.app',
  });
  for (const template of [preset, schedule])
    expect(propertiesOf(template, 'AWS::Events::Rule')).toContainEqual(
      expect.objectContaining({
        EventPattern: expect.objectContaining({
          'detail-type': ['Generation Succeeded'],
          detail: expect.objectContaining({ model: [model] }),
        }),
      }),
    );
});

it('TypeScript and CDK compile against the package', async () => {
  const types = await mkdtemp(path.join(folder, 'types-'));
  const samples = {
    local: textOf(storyFor('local', local), 'typescript'),
    stack: textOf(storyFor('stack', stack), 'typescript'),
    preset: textOf(CDK.preset, 'cdk'),
    schedule: textOf(CDK.schedule, 'cdk'),
  };
  for (const [name, text] of Object.entries(samples)) await writeFile(path.join(types, `${name}.ts`), text);
  await writeFile(path.join(types, 'credential-providers.ts'), PROVIDERS);
  await writeFile(
    path.join(types, 'tsconfig.json'),
    JSON.stringify({
      extends: path.join(ROOT, 'infra/tsconfig.json'),
      compilerOptions: {
        paths: {
          'wiro-serverless': [path.join(ROOT, 'infra/index.ts')],
          'wiro-serverless/client': [path.join(ROOT, 'client/index.ts')],
          '@aws-sdk/credential-providers': ['./credential-providers.ts'],
        },
      },
      include: [],
      files: Object.keys(samples).map((name) => `${name}.ts`),
    }),
  );

  const compiled = await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', types], {
    cwd: ROOT,
  }).catch(({ stdout, stderr }: { stdout: string; stderr: string }) => ({ stdout, stderr }));

  expect(compiled.stdout + compiled.stderr).toBe('');
});

/** The package of this name re-exports that chain. */
const PROVIDERS =
  "export { defaultProvider as fromNodeProviderChain } from '@aws-sdk/credential-provider-node';\n";

beforeAll(async () => {
  await requirePython();
  await save('credential-providers.ts', PROVIDERS);
});

/** The sample with the repository's own client. */
const withClient = (text: string): string =>
  text
    .replace(
      "'wiro-serverless/client'",
      JSON.stringify(pathToFileURL(path.join(ROOT, 'client/index.ts')).href),
    )
    .replace("'@aws-sdk/credential-providers'", "'./credential-providers.ts'");

/** @throws If the Python samples cannot be run: not running them would show nothing. */
async function requirePython(): Promise<void> {
  await run('python3', ['-c', 'import boto3']).catch((cause: unknown) => {
    throw new Error('The Python samples are run: install python3 and its package boto3.', { cause });
  });
}

function parse(value: unknown): unknown[] {
  try {
    return [JSON.parse(String(value))];
  } catch {
    return [];
  }
}
