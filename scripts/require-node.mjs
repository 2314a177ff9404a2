// Loaded before every script (node --import), and written so that an old Node can still read it.
const WANTED = 24;
const major = Number(process.versions.node.split('.')[0]);
if (major < WANTED) {
  process.stderr.write(
    `This needs Node ${WANTED}, but Node ${process.versions.node} is running it: call it through npm (for example "npm run demo"), after "npm install", which brings Node ${WANTED} along.\n`,
  );
  process.exit(1);
}
