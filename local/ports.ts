import { SetupError } from './setup-error.ts';

/** What `npm start` serves, in the order of the ports from `--port` on. */
const SERVICES = {
  console: 'the console',
  api: 'the API',
  callback: 'callbacks',
  s3: 'S3',
  dynamodb: 'DynamoDB',
  ssm: 'SSM',
  lambda: 'Lambda',
  events: 'EventBridge',
  wiro: 'the simulator',
  mcp: 'MCP',
} as const;

export type Service = keyof typeof SERVICES;
export type Ports = Readonly<Partial<Record<Service, number>>>;

const NAMES = Object.keys(SERVICES) as Service[];
export const PORT_COUNT = NAMES.length;
export const LAST_FIRST_PORT = 65_535 - PORT_COUNT + 1;

/** Gives each service a port of its own, from `first` on. */
export const portsFrom = (first: number): Ports =>
  Object.fromEntries(NAMES.map((name, index) => [name, first + index]));

/** Lists the ports for a person: `+0 the console, +1 the API, …`. */
export const describePorts = (): string =>
  NAMES.map((name, index) => `+${index} ${SERVICES[name]}`).join(', ');

/**
 * Starts a service on its port.
 * @throws {SetupError} If the port cannot be used.
 */
export async function startOn<S>(
  ports: Ports | undefined,
  name: Service,
  start: (port: number) => Promise<S>,
): Promise<S> {
  const port = ports?.[name] ?? 0;
  try {
    return await start(port);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    throw new SetupError(
      `Port ${port} for ${SERVICES[name]} ${code === 'EACCES' ? 'needs more rights' : 'is in use'}: stop the process that listens on it, or choose others with --port, which takes ${PORT_COUNT} ports from its number on.`,
    );
  }
}
