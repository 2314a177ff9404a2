import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { createS3Client } from '../functions/objects/s3-client.ts';
import { bundleEntry } from '../infra/build/bundle-functions.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../local/aws/credentials.ts';
import { fileSha256 } from './copy-file.ts';

/**
 * Measures the time and memory to copy one large output from its host to S3, compared with `curl | curl` and a plain
 * SDK stream. Each runs in its own processes, against the same servers, in turn.
 */
interface Measured {
  readonly seconds: number;
  readonly peakMib: number;
  readonly sha256?: string;
}
interface Way {
  readonly name: string;
  readonly run: (key: string) => Promise<Measured>;
}

const { values: options } = parseArgs({
  options: {
    /** MiB */
    size: { type: 'string', default: '1024' },
    runs: { type: 'string', default: '3' },
  },
});
const loadBefore = loadavg()[0] ?? 0;
const sizeBytes = Number(options.size) * 1024 ** 2;
const runs = Number(options.runs);
if (!(Number.isInteger(sizeBytes) && sizeBytes > 0 && Number.isInteger(runs) && runs > 0))
  throw new Error('--size or --runs is invalid: use --size <MiB> and --runs <count>, whole numbers from 1');

const here = import.meta.dirname;
const servers = fork(join(here, 'copy-servers.ts'), [String(sizeBytes)]);
const [addresses] = (await once(servers, 'message')) as [{ cdn: string; s3: string }];
const env = {
  ...process.env,
  AWS_REGION: LOCAL_REGION,
  AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  AWS_ENDPOINT_URL_S3: addresses.s3,
};
const client = createS3Client({ env, credentials: LOCAL_CREDENTIALS });
// With the SDK's default, the presigned link would contain the checksum of an empty body.
const presigner = new S3Client({
  region: LOCAL_REGION,
  endpoint: addresses.s3,
  credentials: LOCAL_CREDENTIALS,
  forcePathStyle: true,
  requestChecksumCalculation: 'WHEN_REQUIRED',
});
const expectedSha256 = fileSha256(sizeBytes);
const hasCurl = spawnSync('curl', ['--version']).status === 0;

/** Bundles the script like a function. Unbundled, loading alone takes 40 MiB more. */
async function inNode(name: string, script: string): Promise<Way> {
  const { directory } = await bundleEntry(
    join(here, `${script}.ts`),
    join(here, '..', '.build', 'bench', script),
  );
  return {
    name,
    async run(key) {
      const child = fork(join(directory, 'index.js'), [`http://${addresses.cdn}`, key], { env });
      const exited = once(child, 'exit');
      const measured = await Promise.race([once(child, 'message'), exited.then(() => undefined)]);
      await exited;
      if (!measured) throw new Error(`${name} failed`);
      return measured[0] as Measured;
    },
  };
}

const curl: Way = {
  name: 'curl \\| curl',
  async run(key) {
    const put = new PutObjectCommand({ Bucket: 'bench', Key: key });
    const url = await getSignedUrl(presigner, put, { expiresIn: 900 });
    const startedAt = performance.now();
    const get = spawn('curl', ['-sSf', `http://${addresses.cdn}/file.mp4`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const headers = ['-H', `Content-Length: ${sizeBytes}`, '-H', 'Transfer-Encoding:', '-H', 'Expect:'];
    const send = spawn('curl', ['-sSf', '-o', '/dev/null', '-T', '-', ...headers, url], {
      stdio: [get.stdout, 'ignore', 'inherit'],
    });
    get.stdout.destroy(); // The child processes own the pipe.
    const peaks = watchPeaks([get, send]);
    const codes = await Promise.all(
      [get, send].map(async (child) => (await once(child, 'exit'))[0] as number),
    );
    if (codes.some((code) => code !== 0)) throw new Error(`curl | curl failed: ${codes.join(', ')}`);
    return { seconds: (performance.now() - startedAt) / 1000, peakMib: peaks.stop() };
  },
};

/** Reads each process's peak memory, which Linux reports only while the process runs. */
function watchPeaks(children: readonly ChildProcess[]) {
  const peaks = new Map<number, number>();
  const look = () => {
    for (const { pid = 0 } of children) {
      try {
        const [, kib] = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
        if (kib !== undefined) peaks.set(pid, Number(kib) / 1024);
      } catch {
        // The process has ended, or this is not Linux.
      }
    }
  };
  const timer = setInterval(look, 20);
  return {
    stop() {
      clearInterval(timer);
      return peaks.size === 0 ? Number.NaN : [...peaks.values()].reduce((sum, peak) => sum + peak, 0);
    },
  };
}

const ways: readonly Way[] = [
  await inNode('wiro-serverless', 'copy-ours'),
  ...(hasCurl ? [curl] : []),
  await inNode('SDK: fetch into PutObject', 'copy-sdk'),
];
const results = new Map<string, Measured[]>(ways.map(({ name }) => [name, []]));
try {
  for (let run = 1; run <= runs; run += 1) {
    for (const { name, run: measure } of ways) {
      const key = `run-${run}/${results.size}.mp4`;
      const measured = await measure(key);
      if (measured.sha256 !== undefined && measured.sha256 !== expectedSha256)
        throw new Error(`${name}: the copy differs from the file`);
      const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket: 'bench', Key: key }));
      if (ContentLength !== sizeBytes) throw new Error(`${name}: S3 has ${ContentLength} bytes`);
      await client.send(new DeleteObjectCommand({ Bucket: 'bench', Key: key }));
      results.get(name)?.push(measured);
      console.error(
        `${run}/${runs} ${name}: ${measured.seconds.toFixed(2)} s, ${measured.peakMib.toFixed(0)} MiB`,
      );
    }
  }
} finally {
  client.destroy();
  servers.send('stop');
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const rows = [...results].map(([name, measured]) => ({
  name,
  seconds: median(measured.map(({ seconds }) => seconds)),
  peakMib: median(measured.map(({ peakMib }) => peakMib)),
}));
const baseline = rows.find(({ name }) => name === curl.name) ?? rows.at(-1);
const shown = (value: number, digits = 2) => (Number.isNaN(value) ? '?' : value.toFixed(digits));
const table = [
  `| | seconds | MB/s | time compared with ${baseline?.name} | peak memory, MiB |`,
  '|---|---:|---:|---:|---:|',
  ...rows.map(
    ({ name, seconds, peakMib }) =>
      `| ${name} | ${shown(seconds)} | ${shown(sizeBytes / 1e6 / seconds, 0)} | ${shown(seconds / (baseline?.seconds ?? Number.NaN))} | ${shown(peakMib, 0)} |`,
  ),
].join('\n');
const report = `# Copying one output of ${options.size} MiB from its host to S3

Medians of ${runs} runs in turn, each in its own processes, with host and S3 together in one local process;
Node ${process.version}, ${availableParallelism()} cores, load ${loadBefore.toFixed(1)} before it began. \`npm run bench:copy\` makes this file.

${table}

Only the first row computes the SHA-256 of the whole for the record. Its memory is Node's, the SDK's and buffers that
do not grow with the output.${hasCurl ? '' : '\ncurl is not installed here: its row is missing.'}
`;
console.log(`\n${table}`);
if (!hasCurl) console.log('The row for curl is missing, because curl is not installed.');
await mkdir(join(here, 'results'), { recursive: true });
await writeFile(join(here, 'results', 'copy.md'), report);
