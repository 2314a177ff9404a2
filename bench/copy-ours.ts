import { createAskS3 } from '../functions/objects/ask-s3.ts';
import { hasSecondProcessor } from '../functions/objects/running-sha256.ts';
import { createOutputCopier } from '../functions/outputs/copy-output.ts';
import { createOutputFetcher } from '../functions/outputs/fetch-output.ts';
import { parseOutputHosts } from '../functions/outputs/output-hosts.ts';
import { createSha256Thread } from '../functions/outputs/sha256-thread.ts';

/** Copies the file like the functions: `count` times, `atOnce` side by side. */
async function main(): Promise<void> {
  const [origin = '', key = '', file = 'file.mp4', count = '1', atOnce = '1'] = process.argv.slice(2);
  // For its memory, all that `callback` loads is there.
  if (process.env.LOAD_CALLBACK) await import('../functions/collect/collect.ts');
  const fetcher = createOutputFetcher({
    hosts: parseOutputHosts(new URL(origin).host),
    connectMs: 5_000,
    headersMs: 20_000,
    stallMs: 30_000,
  });
  const copier = createOutputCopier({
    ask: createAskS3(),
    fetcher,
    openSha256: hasSecondProcessor(process.env) ? createSha256Thread() : undefined,
  });
  const startedAt = performance.now();
  const sums = new Set<string>();
  let next = 0;
  async function copyOn(): Promise<void> {
    while (next < Number(count)) {
      next += 1;
      const output = {
        url: `${origin}/${file}`,
        bucket: 'bench',
        key: count === '1' ? key : `${key}-${next}`,
      };
      sums.add((await copier.copy(output)).sha256);
    }
  }
  await Promise.all(Array.from({ length: Number(atOnce) }, copyOn));
  const sha256 = [...sums].join();
  const seconds = (performance.now() - startedAt) / 1000;
  if (process.send) process.send({ seconds, peakMib: process.resourceUsage().maxRSS / 1024, sha256 });
  else console.log(sha256);
  process.exit();
}

// Bundled as CommonJS like a function, so top-level await is not available.
void main();
