// Loaded before every script (node --import). Old versions of Node must be able to parse it.
const REQUIRED = 24;
const major = Number(process.versions.node.split('.')[0]);
if (major < REQUIRED) {
  process.stderr.write(
    `This script needs Node ${REQUIRED}, but runs on Node ${process.versions.node}: run "npm install", which installs Node ${REQUIRED}, then start the script through npm, for example "npm run demo".\n`,
  );
  process.exit(1);
}
