import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fileSha256, writeFileOf } from './copy-file.ts';
import {
  type CopyRow,
  CURL,
  FLOOR,
  measureCopies,
  missingContenders,
  OURS,
  OURS_ON_TWO,
  RCLONE,
  type Scenario,
} from './copy-native.ts';
import { missingPrograms, startNativeServers } from './native-servers.ts';

// npm run bench:copy [-- --size MiB --runs N]: what one copy from an output's host to S3 costs the copier.
const RESULTS = path.resolve(import.meta.dirname, 'results/copy.md');
const MIB = 1024 ** 2;
const SMALL_MIB = 2;
const MANY = 200;
/** A file of zeros that needs no room on a disk. */
const HUGE_MIB = 10_240;

interface Measurement extends Scenario {
  /** @default - that of `--size` */
  readonly mib?: number;
  readonly isSparse?: true;
  /** @default - that of `--runs` */
  readonly runs?: number;
}

const MEASUREMENTS: readonly Measurement[] = [
  { name: 'One output' },
  { name: 'The same over TLS', isTls: true },
  { name: 'From a host that gives each connection 25 MiB/s', isSlow: true, only: [OURS, FLOOR, CURL] },
  {
    name: `${MANY} outputs of ${SMALL_MIB} MiB, three at once`,
    mib: SMALL_MIB,
    count: MANY,
    atOnce: 3,
    // They take a second, much of which is the start of the process: three medians differ by a tenth.
    runs: 11,
    only: [OURS, FLOOR],
  },
  { name: 'Three outputs at once', count: 3, atOnce: 3, only: [OURS] },
  { name: 'Three outputs at once over TLS', isTls: true, count: 3, atOnce: 3, only: [OURS] },
  { name: 'One output of 100 MiB', mib: 100, only: [OURS, FLOOR] },
  { name: 'One output of 10 GiB', mib: HUGE_MIB, isSparse: true, runs: 1, only: [OURS] },
];

const missing = missingPrograms();
if (missing.length > 0) {
  console.error(
    `Not installed: ${missing.join(', ')}. Measuring on Node's servers instead, without processor times.`,
  );
  await import('./copy-node.ts');
} else await measureOnNativeServers();

async function measureOnNativeServers(): Promise<void> {
  const { values } = parseArgs({
    options: { size: { type: 'string', default: '1024' }, runs: { type: 'string', default: '3' } },
  });
  const [sizeMib, runs] = [Number(values.size), Number(values.runs)];
  if (!(Number.isInteger(sizeMib) && sizeMib > 0 && Number.isInteger(runs) && runs > 0))
    throw new Error('--size or --runs is invalid: use --size <MiB> and --runs <count>, whole numbers from 1');
  const load = loadavg()[0] ?? 0;
  const files = await mkdtemp(path.join(tmpdir(), 'bench-files-'));
  // Started by root, nginx reads as another user.
  await chmod(files, 0o755);
  const sections: string[] = [];
  try {
    const servers = await startNativeServers(files);
    try {
      for (const { mib = sizeMib, isSparse, runs: ownRuns = runs, ...scenario } of MEASUREMENTS) {
        const file = await prepareFile(files, mib * MIB, isSparse);
        const rows = await measureCopies({ servers, file, runs: ownRuns }, scenario);
        const sentence = compare(rows, scenario);
        sections.push([`## ${scenario.name}`, describe(rows), ...sentence].join('\n\n'));
      }
    } finally {
      await servers.stop();
    }
  } finally {
    await rm(files, { recursive: true, force: true });
  }
  const absent = missingContenders();
  const report = `# Copying outputs from their host to S3: ${sizeMib} MiB, where nothing else is said

Medians of ${runs} runs in turn (11 of the small outputs), each in its own processes. The host is nginx, and S3 is a server that discards what it
gets: both cost next to nothing. Node ${process.version}, ${availableParallelism()} cores, load ${load.toFixed(1)} before it began. \`npm run bench:copy\` makes this file.

${sections.join('\n\n')}

Ours and the floor read ranges side by side and compute the SHA-256 and a CRC-32; the others do not. Only ours can resume.
*On two processors*: as in a function with more than 1,769 MB, whose SHA-256 has a thread of its own.
*Floor* is what Node can reach with that work. With TLS, the servers use processor time, too, on the same cores.${absent.length > 0 ? `\nNot installed here, so without a row: ${absent.join(', ')}.` : ''}
`;
  console.log(report);
  await mkdir(path.dirname(RESULTS), { recursive: true });
  await writeFile(RESULTS, report);
}

/** The file of a size that nginx serves. Made once. */
async function prepareFile(files: string, sizeBytes: number, isSparse = false) {
  const name = `${sizeBytes}${isSparse ? '-zeros' : ''}.mp4`;
  const whole = path.join(files, name);
  if (isSparse) await writeFile(whole, '').then(() => truncate(whole, sizeBytes));
  else if (!existsSync(whole)) await writeFileOf(whole, sizeBytes);
  return { name, sizeBytes, sha256: isSparse ? sha256OfZeros(sizeBytes) : fileSha256(sizeBytes) };
}

function sha256OfZeros(sizeBytes: number): string {
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(MIB);
  for (let left = sizeBytes; left > 0; left -= MIB) hash.update(zeros.subarray(0, left));
  return hash.digest('hex');
}

function times(one: number, other: number): string {
  return `${(one / other).toFixed(2)} ×`;
}

/** How wiro-serverless compares with what others need. */
function compare(rows: readonly CopyRow[], { isSlow }: Scenario): readonly string[] {
  const row = (name: string) => rows.find((one) => one.name === name);
  const [floor, rclone, curl] = [row(FLOOR), row(RCLONE), row(CURL)];
  return [OURS, OURS_ON_TWO].flatMap((name) => {
    const ours = row(name);
    if (ours === undefined) return [];
    const facts = [
      ...(floor
        ? [`${times(ours.processorSeconds, floor.processorSeconds)} of the floor's processor time`]
        : []),
      ...(rclone ? [`${times(ours.seconds, rclone.seconds)} of rclone's seconds`] : []),
      ...(curl && isSlow ? [`${times(curl.seconds, ours.seconds)} as fast as one stream`] : []),
    ];
    return facts.length > 0 ? [`${name}: ${facts.join(', ')}.`] : [];
  });
}

function describe(rows: readonly CopyRow[]): string {
  const floor = rows.find(({ name }) => name === FLOOR);
  const ratio = (value: number, reference?: number) =>
    reference === undefined ? '' : (value / reference).toFixed(2);
  return [
    '| | seconds | × floor | processor seconds | × floor | peak memory, MiB |',
    '|---|---:|---:|---:|---:|---:|',
    ...rows.map(({ name, seconds, processorSeconds, peakMib }) => {
      const cells = [
        seconds.toFixed(2),
        ratio(seconds, floor?.seconds),
        processorSeconds.toFixed(2),
        ratio(processorSeconds, floor?.processorSeconds),
        peakMib.toFixed(0),
      ];
      return `| ${name} | ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}
