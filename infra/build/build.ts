import { bundleFunctions } from './bundle-functions.ts';
import { describeBundle, sizeByPackage } from './bundle-report.ts';

// npm run build [-- --report]: builds the deployed bundles; the report lists what contributes to their size.
const isReportWanted = process.argv.includes('--report');
const kilobytes = (bytes: number) => `${(bytes / 1_000).toFixed(1)} kB`.padStart(10);

for (const [name, bundle] of Object.entries(await bundleFunctions())) {
  const files = await describeBundle(bundle);
  const atStart = files.filter(({ isLoadedAtStart }) => isLoadedAtStart);
  const size = (some: typeof files) => some.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  console.log(
    `${name}: ${kilobytes(size(atStart)).trim()} at start, ${kilobytes(size(files)).trim()} in total`,
  );
  console.log(`  ${bundle.directory}`);
  if (!isReportWanted) continue;
  for (const file of files)
    console.log(`  ${kilobytes(file.sizeBytes)} ${file.isLoadedAtStart ? 'start' : 'lazy '} ${file.name}`);
  console.log('  at start, by package:');
  for (const [packageName, bytes] of sizeByPackage(atStart).slice(0, 12))
    console.log(`  ${kilobytes(bytes)} ${packageName}`);
}
