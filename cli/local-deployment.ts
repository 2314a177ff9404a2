import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Endpoints, LocalDeployment } from './deployment-kinds.ts';
import { unreachable } from './errors.ts';
import { COMMAND } from './names.ts';

export interface FindLocalOptions {
  /** @default - `.local` here, in a folder above, or of the project */
  readonly data?: string | undefined;
  /** @default - where the process runs */
  readonly from?: string;
}

const FILE = 'endpoints.json';
/** A local environment is nowhere else. Requests to it are not signed, and files are sent to it. */
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;
/** The project's folder: this file is in `cli/`, or in `dist/` of the package. */
const PROJECT = path.resolve(import.meta.dirname, '..');

/**
 * Finds the environment that `npm start` runs.
 * @throws {CliError} If none runs, or its file is not one.
 */
export async function findLocalDeployment({
  data,
  from = process.cwd(),
}: FindLocalOptions): Promise<LocalDeployment> {
  const places =
    data === undefined ? [...foldersFrom(from), PROJECT].map(inLocal) : [path.resolve(from, data)];
  for (const place of places) {
    const text = await readIfThere(path.join(place, FILE));
    // Another user's folder above may name any server.
    if (text === undefined || (data === undefined && !(await isOwn(path.join(place, FILE))))) continue;
    const endpoints = parseEndpoints(text, path.join(place, FILE));
    return {
      kind: 'local',
      url: endpoints.api,
      region: endpoints.region,
      title: `the local environment (${path.relative(from, place) || '.'})`,
      identity: `local ${place}`,
      data: place,
      endpoints,
    };
  }
  throw unreachable(
    data === undefined
      ? 'Found no deployment: start one on this machine with "npm start" in the project, name its directory with --data DIR, or name a deployed stack with --stack NAME.'
      : `No environment runs with its data in ${data}: start it with "npm start -- --data ${data}", or name a deployed stack with --stack NAME.`,
  );
}

/** What to say when a local environment does not answer: its file outlives it only if it was killed. */
export const explainSilence = ({ data }: Pick<LocalDeployment, 'data'>): string =>
  `The environment that ${path.join(path.relative('', data) || '.', FILE)} names does not answer: start it with "npm start" and repeat the command, or name a deployed stack (${COMMAND} --stack NAME …).`;

const inLocal = (folder: string): string => path.join(folder, '.local');

function foldersFrom(folder: string): readonly string[] {
  const above = path.dirname(folder);
  return above === folder ? [folder] : [folder, ...foldersFrom(above)];
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(String((error as NodeJS.ErrnoException).code)))
      return undefined;
    throw error;
  }
}

async function isOwn(file: string): Promise<boolean> {
  const own = process.getuid?.();
  return own === undefined || (await stat(file)).uid === own;
}

function parseEndpoints(text: string, file: string): Endpoints {
  try {
    const endpoints = JSON.parse(text) as Endpoints;
    const { hostname } = new URL(endpoints.api);
    if (LOOPBACK.test(hostname) && typeof endpoints.region === 'string') return endpoints;
  } catch {}
  throw unreachable(`${file} is not what "npm start" writes: delete it, and start "npm start" again.`);
}
