/** A part of the tree, and what its files may import in addition to each other. */
export interface Room {
  /** Its files and folders. @default - the folder with the room's name */
  readonly files?: readonly string[];
  /** Rooms that it may import, by name. */
  readonly uses?: readonly string[];
  /** Rooms from which it may only import types, with `import type`. */
  readonly types?: readonly string[];
  /** Packages that it may import. `node:` stands for all built-in modules. */
  readonly packages?: readonly string[];
}

const S3 = '@aws-sdk/client-s3';
const DYNAMODB = '@aws-sdk/client-dynamodb';
const MARSHALL = '@aws-sdk/util-dynamodb';
const CDK = ['aws-cdk-lib', 'constructs'];
/** Types of Lambda's events. */
const LAMBDA = 'aws-lambda';

/**
 * All rooms, the lowest first. Each uses only rooms above it in this list, so cycles are impossible. Everything else is
 * forbidden. `test/` and `bench/` may import everything, and no room may import them.
 */
export const ROOMS: Readonly<Record<string, Room>> = {
  'functions/settings.ts': {},
  'functions/generation': { types: ['functions/settings.ts'], packages: ['node:crypto'] },
  'functions/runtime': { uses: ['functions/settings.ts'] },
  'functions/aws': {
    uses: ['functions/settings.ts', 'functions/runtime'],
    packages: ['node:', DYNAMODB],
  },
  'functions/wiro': {
    uses: ['functions/generation', 'functions/runtime'],
    packages: ['node:'],
  },
  'functions/request': {
    uses: ['functions/generation', 'functions/runtime'],
    types: ['functions/wiro'],
    packages: ['node:crypto', 'csv-parse'],
  },
  'functions/store': {
    uses: ['functions/generation', 'functions/runtime', 'functions/aws'],
    types: ['functions/settings.ts', 'functions/request', 'functions/wiro'],
    packages: ['node:', MARSHALL],
  },
  'functions/objects': {
    uses: ['functions/generation', 'functions/aws'],
    types: ['functions/store'],
    packages: ['node:', S3],
  },
  'functions/functions.ts': { uses: ['functions/objects'], types: ['functions/settings.ts'] },
  'functions/outputs': {
    uses: ['functions/runtime', 'functions/objects'],
    types: ['functions/generation'],
    packages: ['node:', 'undici'],
  },
  'functions/events': {
    uses: ['functions/settings.ts', 'functions/generation', 'functions/runtime', 'functions/aws'],
    types: ['functions/request', 'functions/store', 'functions/objects'],
  },
  'functions/intake': {
    uses: [
      'functions/generation',
      'functions/runtime',
      'functions/aws',
      'functions/request',
      'functions/objects',
      'functions/functions.ts',
      'functions/outputs',
    ],
    types: ['functions/settings.ts', 'functions/wiro', 'functions/store', 'functions/events'],
    packages: ['node:', LAMBDA],
  },
  'functions/compose': {
    uses: [
      'functions/settings.ts',
      'functions/generation',
      'functions/aws',
      'functions/wiro',
      'functions/request',
      'functions/store',
      'functions/objects',
      'functions/events',
      'functions/intake',
    ],
    packages: [S3],
  },
  'functions/collect': {
    uses: [
      'functions/settings.ts',
      'functions/generation',
      'functions/runtime',
      'functions/aws',
      'functions/wiro',
      'functions/store',
      'functions/objects',
      'functions/outputs',
      'functions/events',
      'functions/compose',
    ],
    packages: ['node:'],
  },
  'functions/api': {
    uses: [
      'functions/settings.ts',
      'functions/generation',
      'functions/runtime',
      'functions/aws',
      'functions/wiro',
      'functions/request',
      'functions/objects',
      'functions/outputs',
      'functions/events',
      'functions/intake',
      'functions/compose',
    ],
    types: ['functions/store'],
    packages: ['node:', LAMBDA],
  },
  'functions/submit': {
    uses: [
      'functions/settings.ts',
      'functions/generation',
      'functions/runtime',
      'functions/aws',
      'functions/wiro',
      'functions/request',
      'functions/store',
      'functions/objects',
      'functions/events',
      'functions/intake',
      'functions/compose',
    ],
    packages: ['node:', LAMBDA],
  },
  'functions/callback': {
    uses: [
      'functions/settings.ts',
      'functions/generation',
      'functions/runtime',
      'functions/aws',
      'functions/wiro',
      'functions/store',
      'functions/compose',
      'functions/collect',
    ],
    packages: [LAMBDA],
  },
  'functions/reconcile': {
    uses: [
      'functions/settings.ts',
      'functions/generation',
      'functions/runtime',
      'functions/aws',
      'functions/store',
      'functions/compose',
    ],
    packages: [LAMBDA],
  },
  'infra/observability': {
    uses: ['functions/runtime'],
    types: ['functions/functions.ts'],
    packages: CDK,
  },
  'infra: properties': {
    files: ['infra/wiro-generations-props.ts', 'infra/wiro-credentials.ts'],
    types: ['functions/settings.ts', 'functions/request', 'functions/functions.ts', 'infra/observability'],
    packages: ['aws-cdk-lib'],
  },
  'infra/checks': {
    uses: [
      'functions/settings.ts',
      'functions/request',
      'functions/store',
      'functions/objects',
      'functions/outputs',
      'functions/functions.ts',
      'infra: properties',
    ],
    packages: CDK,
  },
  'infra/construct': {
    uses: [
      'functions/settings.ts',
      'functions/runtime',
      'functions/request',
      'functions/store',
      'functions/objects',
      'functions/functions.ts',
      'infra/observability',
      'infra/checks',
    ],
    types: ['infra: properties'],
    packages: ['node:', ...CDK],
  },
  'console: the page, built': {
    files: ['console/build-page.ts', 'console/read-page.ts'],
    packages: ['node:', 'esbuild'],
  },
  'infra/build': {
    uses: ['console: the page, built', 'functions/aws', 'functions/functions.ts', 'infra/construct'],
    packages: ['node:', 'esbuild'],
  },
  infra: {
    uses: ['infra/observability', 'infra: properties', 'infra/checks', 'infra/construct', 'infra/build'],
    types: ['functions/settings.ts', 'functions/runtime', 'functions/request', 'functions/functions.ts'],
    packages: CDK,
  },
  'infra/setup': {
    uses: ['functions/settings.ts', 'infra/construct', 'infra'],
    packages: ['node:', '@aws-sdk/client-ssm'],
  },
  // Also runs in browsers, so it uses nothing from Node, and the signer only to sign requests.
  client: { packages: ['aws4fetch'] },
  // Runs in the console's page, where every kilobyte counts.
  'console/samples': { types: ['client'] },
  'console/page': { uses: ['client', 'console/samples'], packages: ['preact', '@preact/signals'] },
  'console/server': {
    uses: ['client', 'functions/objects', 'functions/outputs', 'functions/wiro'],
    types: ['console/samples'],
    packages: ['node:', 'aws4fetch', 'ws'],
  },
  mcp: { uses: ['client'], packages: ['node:', '@modelcontextprotocol/sdk', 'zod'] },
  cli: {
    uses: [
      'functions/settings.ts',
      'functions/runtime',
      'functions/aws',
      'functions/request',
      'functions/objects',
      'client',
      'mcp',
      'console/server',
      'console: the page, built',
      'infra/construct',
      'infra/setup',
    ],
    packages: [
      'node:',
      'aws4fetch',
      'commander',
      '@aws-sdk/client-cloudformation',
      '@modelcontextprotocol/sdk',
    ],
  },
  scripts: { packages: ['node:', 'json-schema-to-typescript', 'yaml'] },
  'local/multipart.ts': {},
  'local/temporary.ts': { packages: ['node:'] },
  'local/simulator': {
    uses: ['local/multipart.ts', 'local/temporary.ts'],
    packages: ['node:', 'sharp', 'ws'],
  },
  'local/aws': {
    uses: ['functions/store', 'local/multipart.ts'],
    packages: ['node:', DYNAMODB, LAMBDA, 'dynalite'],
  },
  local: {
    uses: [
      'functions/settings.ts',
      'functions/runtime',
      'functions/functions.ts',
      'functions/outputs',
      'infra/build',
      'infra/checks',
      'scripts',
      'local/temporary.ts',
      'local/simulator',
      'local/aws',
      'console/server',
      'console: the page, built',
      'client',
      'mcp',
    ],
    types: ['functions/request'],
    packages: ['node:', S3, '@aws-sdk/client-ssm', DYNAMODB, LAMBDA, 'classic-level'],
  },
  'local/demo': {
    files: ['local/demo.ts', 'local/demo/'],
    uses: ['client', 'cli', 'local/aws', 'local'],
    types: ['functions/api'],
    packages: ['node:', S3],
  },
  examples: { uses: ['client'], types: ['infra'], packages: ['node:', S3, DYNAMODB, MARSHALL, ...CDK] },
};

/** The paths of all rooms, the longest first, because it takes precedence. */
const PATHS = Object.entries(ROOMS)
  .flatMap(([name, { files }]) =>
    (files ?? [/\.ts$/.test(name) ? name : `${name}/`]).map((path) => ({ path, name })),
  )
  .sort((one, other) => other.path.length - one.path.length);

/** Finds the room of a file, by its path relative to the root. @returns `undefined` for a file outside all rooms. */
export const roomOf = (file: string): string | undefined =>
  PATHS.find(({ path }) => (path.endsWith('/') ? file.startsWith(path) : file === path))?.name;

/** Writes the table in CONTRIBUTING, the highest room first. */
export function describeRooms(): string {
  const short = (name: string) => name.replace(/^functions\//, '').replace(/\.ts$/, '');
  const list = (names: readonly string[] = []) => names.map(short).join(', ') || '–';
  const rows = Object.entries(ROOMS)
    .toReversed()
    .map(([name, { uses, types, packages = [] }]) => {
      const allowed = packages.map((one) => `\`${one}\``).join(', ');
      return `| ${name} | ${list(uses)} | ${list(types)} | ${allowed || '–'} |`;
    });
  return ['| room | may import | types only | packages |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
