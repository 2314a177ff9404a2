import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { bundleEntry } from '../infra/build/bundle-functions.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../local/aws/credentials.ts';
import { GNU_TIME, isInstalled, type NativeServers, type Origins } from './native-servers.ts';

export interface Scenario {
  readonly name: string;
  readonly isTls?: true;
  readonly isSlow?: true;
  /** How often the file is copied in one run. @default 1 */
  readonly count?: number;
  /** How many of these copies run side by side. @default 1 */
  readonly atOnce?: number;
  /** The only contenders, by their names. @default - all */
  readonly only?: readonly string[];
}

/** Medians of one contender. */
export interface CopyRow {
  readonly name: string;
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly peakMib: number;
}

export interface CopyJob {
  readonly servers: NativeServers;
  readonly file: { readonly name: string; readonly sizeBytes: number; readonly sha256: string };
  readonly runs: number;
}

interface Contender {
  readonly name: string;
  readonly command: string;
  /** Whether it writes the SHA-256 of what it copied. */
  readonly isDigesting?: true;
}

export const OURS = 'wiro-serverless';
/** As in a function with more memory than comes with one processor. */
export const OURS_ON_TWO = 'wiro-serverless on two processors';
export const FLOOR = 'floor: the same work without SDK';
export const RCLONE = 'rclone copyurl';
export const CURL = 'curl \\| curl';

/** Contenders that are not installed. */
export const missingContenders = (): readonly string[] => [
  ...(isInstalled('curl') ? [] : ['curl']),
  ...(isInstalled('rclone', 'version') ? [] : ['rclone']),
  ...(isInstalled('aws') ? [] : ['the aws command']),
];

/** Copies with all contenders in turn, each in new processes. The first turn is not counted. */
export async function measureCopies(job: CopyJob, scenario: Scenario): Promise<readonly CopyRow[]> {
  const { servers, file, runs } = job;
  const { isTls, isSlow, only, count = 1, atOnce = 1 } = scenario;
  const { cdn, slowCdn, s3 }: Origins = isTls ? servers.tls : servers.plain;
  const all = await contendersFor(job, isSlow ? slowCdn : cdn, s3, `${count} ${atOnce}`);
  const contenders = all.filter(({ name }) => only?.includes(name) ?? true);
  const env = environment(servers, s3);
  const measured = new Map(contenders.map(({ name }) => [name, [] as CopyRow[]]));
  for (let run = 0; run <= runs; run += 1)
    for (const { name, command, isDigesting } of contenders) {
      const before = await servers.receivedBytes();
      const { row, output } = await runTimed(name, command, { ...env, KEY: `run-${run}` }, servers.directory);
      const arrived = (await servers.receivedBytes()) - before;
      if (arrived < file.sizeBytes * (isDigesting ? count : 1))
        throw new Error(`${name}: only ${arrived} bytes arrived`);
      if (isDigesting && output.trim() !== file.sha256)
        throw new Error(`${name}: the copy differs from the file`);
      if (run > 0) measured.get(name)?.push(row);
      console.error(`${scenario.name}, ${run} of ${runs}, ${name}: ${row.seconds.toFixed(2)} s`);
    }
  return [...measured].map(([name, rows]) => ({
    name,
    seconds: median(rows.map(({ seconds }) => seconds)),
    processorSeconds: median(rows.map(({ processorSeconds }) => processorSeconds)),
    peakMib: median(rows.map(({ peakMib }) => peakMib)),
  }));
}

/**
 * Copies the file several times at once, in one new process with the heap limit of a function.
 * @returns The peak of its memory in MiB.
 */
export async function measurePeak(
  { servers, file }: Omit<CopyJob, 'runs'>,
  {
    isTls,
    copies,
    memoryMb,
  }: Pick<Scenario, 'isTls'> & { readonly copies: number; readonly memoryMb: number },
): Promise<number> {
  const { cdn, s3 } = isTls ? servers.tls : servers.plain;
  const command = await nodeCommand('copy-ours', cdn, `${file.name} ${copies} ${copies}`);
  const env = {
    ...environment(servers, s3),
    KEY: 'memory',
    LOAD_CALLBACK: 'yes',
    // As the local Lambda limits it.
    NODE_OPTIONS: `--max-old-space-size=${Math.floor(memoryMb * 0.9)}`,
  };
  const { row } = await runTimed('memory', command, env, servers.directory);
  return row.peakMib;
}

async function nodeCommand(script: string, cdn: string, rest: string): Promise<string> {
  const source = path.join(import.meta.dirname, `${script}.ts`);
  const built = path.join(import.meta.dirname, '..', '.build', 'bench', script);
  const { directory } = await bundleEntry(source, built);
  return `exec "${process.execPath}" "${directory}/index.js" ${cdn} $KEY-${script} ${rest}`;
}

async function contendersFor(
  { servers, file }: CopyJob,
  cdn: string,
  s3: string,
  counts: string,
): Promise<readonly Contender[]> {
  const missing = missingContenders();
  const node = (script: string) => nodeCommand(script, cdn, `${file.name} ${counts}`);
  const ours = await node('copy-ours');
  const headers = `-H 'Content-Length: ${file.sizeBytes}' -H 'Transfer-Encoding:' -H 'Expect:'`;
  const rclone = `env -u AWS_CA_BUNDLE rclone --config "${servers.directory}/rclone.conf" --ca-cert "${servers.certificate}"`;
  await writeFile(
    path.join(servers.directory, 'rclone.conf'),
    `[s]\ntype = s3\nprovider = Other\nendpoint = ${s3}\naccess_key_id = a\nsecret_access_key = s\nregion = ${LOCAL_REGION}\nforce_path_style = true\nno_check_bucket = true\n`,
  );
  const get = `curl -sSf ${cdn}/${file.name}`;
  return [
    { name: OURS, command: ours, isDigesting: true },
    {
      name: OURS_ON_TWO,
      command: `export AWS_LAMBDA_FUNCTION_MEMORY_SIZE=${TWO_PROCESSORS_MB}; ${ours}`,
      isDigesting: true,
    },
    { name: FLOOR, command: await node('copy-floor'), isDigesting: true },
    ...(missing.includes('curl')
      ? []
      : [
          {
            name: CURL,
            command: `${get} | curl -sSf -o /dev/null -T - ${headers} ${s3}/bench/$KEY-curl`,
          },
        ]),
    ...(missing.includes('rclone')
      ? []
      : [{ name: RCLONE, command: `${rclone} -q copyurl ${cdn}/${file.name} s:bench/$KEY-rclone` }]),
    ...(missing.includes('curl') || missing.includes('the aws command')
      ? []
      : [
          {
            name: 'curl \\| aws s3 cp',
            command: `${get} | aws s3 cp - s3://bench/$KEY-aws --quiet --endpoint-url ${s3} --expected-size ${file.sizeBytes}`,
          },
        ]),
    { name: 'SDK: fetch into PutObject', command: await node('copy-sdk') },
  ];
}

/** The memory with which Lambda gives a function two processors. */
const TWO_PROCESSORS_MB = 3_538;

const environment = ({ certificate, directory }: NativeServers, s3: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: directory,
  AWS_REGION: LOCAL_REGION,
  AWS_DEFAULT_REGION: LOCAL_REGION,
  AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  AWS_ENDPOINT_URL_S3: s3,
  AWS_CA_BUNDLE: certificate,
  NODE_EXTRA_CA_CERTS: certificate,
  CURL_CA_BUNDLE: certificate,
  SSL_CERT_FILE: certificate,
});

async function runTimed(name: string, command: string, env: NodeJS.ProcessEnv, directory: string) {
  const times = path.join(directory, 'times');
  const child = spawn(GNU_TIME, ['-f', '%e %U %S %M', '-o', times, 'sh', '-c', command], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${name} failed with ${code}`);
  const [seconds = 0, user = 0, system = 0, kib = 0] = (await readFile(times, 'utf8'))
    .trim()
    .split(' ')
    .map(Number);
  return { output, row: { name, seconds, processorSeconds: user + system, peakMib: kib / 1024 } };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
