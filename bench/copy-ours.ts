import { createS3Client } from '../functions/objects/s3-client.ts';
import { createOutputCopier } from '../functions/outputs/copy-output.ts';
import { createOutputFetcher } from '../functions/outputs/fetch-output.ts';
import { parseOutputHosts } from '../functions/outputs/output-hosts.ts';

/** Copies the file like the functions: once, or with `COPIES` several times at once. */
async function main(): Promise<void> {
  const [origin = '', key = '', file = 'file.mp4'] = process.argv.slice(2);
  // For its memory, all that `callback` loads is there.
  if (process.env.COPIES) await import('../functions/collect/collect.ts');
  const fetcher = createOutputFetcher({
    hosts: parseOutputHosts(new URL(origin).host),
    connectMs: 5_000,
    headersMs: 20_000,
    stallMs: 30_000,
  });
  const copier = createOutputCopier({ client: createS3Client({ env: process.env }), fetcher });
  const startedAt = performance.now();
  const copies = Array.from({ length: Number(process.env.COPIES ?? 1) }, (_, nth) =>
    copier.copy({ url: `${origin}/${file}`, bucket: 'bench', key: `${key}${nth || ''}` }),
  );
  const [{ sha256 } = { sha256: '' }] = await Promise.all(copies);
  const seconds = (performance.now() - startedAt) / 1000;
  if (process.send) process.send({ seconds, peakMib: process.resourceUsage().maxRSS / 1024, sha256 });
  else console.log(sha256);
  process.exit();
}

// Bundled as CommonJS like a function, so top-level await is not available.
void main();
