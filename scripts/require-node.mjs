// Loaded before every script (node --import). Old versions of Node must be able to parse it.
import { existsSync } from 'node:fs';

const REQUIRED = 24;
const major = Number(process.versions.node.split('.')[0]);
const isInstalled = (path) => existsSync(new URL(`../node_modules/${path}`, import.meta.url));

/** Names what keeps a script from running, and the remedy. */
function findObstacle() {
  const isProduction = process.env.NODE_ENV === 'production';
  if (!isInstalled('') && !isProduction)
    return 'The packages of this project are not installed: run "npm install".';
  if (!isInstalled('esbuild'))
    return `Packages are missing that only development needs, and everything here is development${isProduction ? ': NODE_ENV=production leaves them out' : ''}. Run "npm ci --include=dev".`;
  if (major >= REQUIRED) return undefined;
  if (isInstalled('node') && !isInstalled('node/bin/node') && !isInstalled('node/bin/node.exe'))
    return `This script needs Node ${REQUIRED}, but runs on Node ${process.versions.node}: the project's own Node is missing, because npm ran no install scripts (--ignore-scripts). Run "npm rebuild node --ignore-scripts=false".`;
  return `This script needs Node ${REQUIRED}, but runs on Node ${process.versions.node}: run "npm install", which installs Node ${REQUIRED}, then start the script through npm, for example "npm run demo".`;
}

const obstacle = findObstacle();
if (obstacle !== undefined) {
  process.stderr.write(`${obstacle}\n`);
  process.exit(1);
}
