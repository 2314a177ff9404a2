import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FUNCTIONS, type FunctionName } from '../functions/functions.ts';
import { LARGEST_INPUT_BYTES } from '../functions/request/file-kind.ts';
import { bundleFunctions } from '../infra/build/bundle-functions.ts';
import { fileSha256, writeFileOf } from './copy-file.ts';
import { measurePeak } from './copy-native.ts';
import { runGenerations } from './cost-run.ts';
import { missingPrograms, startNativeServers } from './native-servers.ts';

// npm run bench:cost -- --memory: the peaks of memory of `submit` and `callback`, each in the processes of the local Lambda
// or in one with the same heap limit. Requires Linux.
const RESULTS = path.resolve(import.meta.dirname, 'results/memory.md');
const GIBIBYTE = 1024 ** 3;
/** Inputs of this size are the largest that `submit` holds in memory. */
const HELD_BYTES = 8 * 1024 ** 2;

interface Row {
  readonly name: FunctionName;
  readonly work: string;
  readonly peakMib: number;
}

const rows: readonly Row[] = [...(await measureGenerations()), ...(await measureLargeCopies())];
const report = `# Peaks of memory

Resident memory of one process at its peak, on Node ${process.version}. \`npm run bench:cost -- --memory\` makes this file.

| function | memory, MB | work | peak, MiB | of its memory |
|---|---:|---|---:|---:|
${rows
  .map(({ name, work, peakMib }) => {
    const { memoryMb } = FUNCTIONS[name];
    return `| \`${name}\` | ${memoryMb} | ${work} | ${peakMib.toFixed(0)} | ${((100 * peakMib) / memoryMb).toFixed(0)} % |`;
  })
  .join('\n')}
`;
console.log(report);
await writeFile(RESULTS, report);

/** Whole generations through the real functions, with inputs of several sizes. */
async function measureGenerations(): Promise<readonly Row[]> {
  const bundles = await bundleFunctions();
  const measured: Row[] = [];
  for (const [inputBytes, size] of [
    [2_000_000, '2 MB'],
    [HELD_BYTES, '8 MiB'],
    [LARGEST_INPUT_BYTES, '100 MiB'],
  ] as const) {
    console.error(`Running generations with two inputs of ${size}…`);
    const options = { generations: 2, inputBytes, inputHandover: 'upload', metrics: true, bundles } as const;
    const { submit, callback } = await runGenerations(options);
    measured.push({ name: 'submit', work: `two inputs of ${size}, uploaded`, peakMib: submit.peakMib });
    if (measured.length === 1)
      measured.push({ name: 'callback', work: 'two pictures', peakMib: callback.peakMib });
  }
  return measured;
}

/** Copies of 1 GiB, in a process that has loaded what `callback` loads. */
async function measureLargeCopies(): Promise<readonly Row[]> {
  const missing = missingPrograms();
  if (missing.length > 0) {
    console.error(`Not installed, so without large copies: ${missing.join(', ')}`);
    return [];
  }
  const files = await mkdtemp(path.join(tmpdir(), 'bench-files-'));
  // Started by root, nginx reads as another user.
  await chmod(files, 0o755);
  try {
    const file = { name: 'file.mp4', sizeBytes: GIBIBYTE, sha256: fileSha256(GIBIBYTE) };
    await writeFileOf(path.join(files, file.name), file.sizeBytes);
    const servers = await startNativeServers(files);
    try {
      const measured: Row[] = [];
      const { memoryMb } = FUNCTIONS.callback;
      for (const copies of [1, 3])
        for (const isTls of [false, true]) {
          const work = `${copies === 1 ? 'one copy' : 'three copies at once, each'} of 1 GiB${isTls ? ' over TLS' : ''}`;
          console.error(`Measuring ${work}…`);
          const how = { copies, memoryMb, ...(isTls && { isTls: true as const }) };
          measured.push({ name: 'callback', work, peakMib: await measurePeak({ servers, file }, how) });
        }
      return measured;
    } finally {
      await servers.stop();
    }
  } finally {
    await rm(files, { recursive: true, force: true });
  }
}
