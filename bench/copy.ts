import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fileSha256, writeFileOf } from './copy-file.ts';
import { type CopyRow, measureCopies, missingContenders, type Scenario } from './copy-native.ts';
import { missingPrograms, startNativeServers } from './native-servers.ts';

// npm run bench:copy [-- --size MiB --runs N]: what one copy from an output's host to S3 costs the copier.
const RESULTS = path.resolve(import.meta.dirname, 'results/copy.md');
const SCENARIOS: readonly Scenario[] = [
  { name: 'One output' },
  { name: 'The same over TLS', isTls: true },
  { name: 'From a host that gives each connection 25 MiB/s', isSlow: true },
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
  const sizeBytes = sizeMib * 1024 ** 2;
  const load = loadavg()[0] ?? 0;
  const files = await mkdtemp(path.join(tmpdir(), 'bench-files-'));
  // Started by root, nginx reads as another user.
  await chmod(files, 0o755);
  const sections: string[] = [];
  try {
    const file = { name: 'file.mp4', sizeBytes, sha256: fileSha256(sizeBytes) };
    await writeFileOf(path.join(files, file.name), sizeBytes);
    const servers = await startNativeServers(files);
    try {
      for (const scenario of SCENARIOS) {
        const rows = await measureCopies({ servers, file, runs }, scenario);
        sections.push(`## ${scenario.name}\n\n${describe(rows)}`);
      }
    } finally {
      await servers.stop();
    }
  } finally {
    await rm(files, { recursive: true, force: true });
  }
  const absent = missingContenders();
  const report = `# Copying one output of ${sizeMib} MiB from its host to S3

Medians of ${runs} runs in turn, each in its own processes. The host is nginx, and S3 is a server that discards what it
gets: both cost next to nothing. Node ${process.version}, ${availableParallelism()} cores, load ${load.toFixed(1)} before it began. \`npm run bench:copy\` makes this file.

${sections.join('\n\n')}

The first two rows read ranges side by side, compute the SHA-256 and a CRC-32, and can resume; the others do not.
*Floor* is what Node can reach with that work. With TLS, the servers use processor time, too, on the same cores.${absent.length > 0 ? `\nNot installed here, so without a row: ${absent.join(', ')}.` : ''}
`;
  console.log(report);
  await mkdir(path.dirname(RESULTS), { recursive: true });
  await writeFile(RESULTS, report);
}

function describe(rows: readonly CopyRow[]): string {
  const floor = rows.find(({ name }) => name.startsWith('floor'));
  const ratio = (value: number, reference = Number.NaN) => (value / reference).toFixed(2);
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
