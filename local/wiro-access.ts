import { parseOutputHosts } from '../functions/outputs/output-hosts.ts';
import { WIRO_DEFAULTS } from '../functions/settings.ts';
import { SetupError } from './setup-error.ts';

/** How to reach a Wiro, the real one or another. */
export interface WiroAccess {
  /** Ends in `/v1`. */
  readonly apiUrl: string;
  /** @default - Wiro's own */
  readonly socketUrl?: string;
  readonly apiKey: string;
  /** Missing for a key-only project. */
  readonly apiSecret?: string;
  /** Comma-separated `host` or `host:port`. @default - Wiro's own */
  readonly outputHosts?: string;
}

/**
 * The Wiro that the environment variables name. `WIRO_API_URL` alone decides: `undefined` without it, whatever else
 * is set, so that nobody pays by accident for having a key exported.
 * @throws {SetupError} When the variables do not make sense together.
 */
export function readWiroAccess(env: NodeJS.ProcessEnv): WiroAccess | undefined {
  const { WIRO_API_URL, WIRO_SOCKET_URL, WIRO_API_KEY, WIRO_API_SECRET, WIRO_OUTPUT_HOSTS } = env;
  if (!WIRO_API_URL) return undefined;
  const apiUrl = WIRO_API_URL.replace(/\/$/, '');
  if (!isUrl(apiUrl, ['http:', 'https:']) || !apiUrl.endsWith('/v1'))
    throw new SetupError(
      `WIRO_API_URL must be an http(s) URL that ends in /v1, for example ${WIRO_DEFAULTS.apiUrl}, but is "${WIRO_API_URL}".`,
    );
  if (WIRO_SOCKET_URL && !isUrl(WIRO_SOCKET_URL, ['ws:', 'wss:']))
    throw new SetupError(
      `WIRO_SOCKET_URL must be a ws(s) URL, for example ${WIRO_DEFAULTS.socketUrl}, but is "${WIRO_SOCKET_URL}".`,
    );
  if (!WIRO_API_KEY)
    throw new SetupError(
      `WIRO_API_URL is set, so WIRO_API_KEY must be too (and WIRO_API_SECRET, unless the project is key-only); unset WIRO_API_URL to use the simulator.`,
    );
  if (WIRO_OUTPUT_HOSTS) checkOutputHosts(WIRO_OUTPUT_HOSTS);
  return {
    apiUrl,
    apiKey: WIRO_API_KEY,
    ...(WIRO_API_SECRET && { apiSecret: WIRO_API_SECRET }),
    ...(WIRO_SOCKET_URL && { socketUrl: WIRO_SOCKET_URL }),
    ...(WIRO_OUTPUT_HOSTS && { outputHosts: WIRO_OUTPUT_HOSTS }),
  };
}

/** Now, and not when the first output is to be copied: it is paid for by then. */
function checkOutputHosts(hosts: string): void {
  try {
    parseOutputHosts(hosts);
  } catch (cause) {
    throw new SetupError(`${(cause as Error).message}.`, { cause });
  }
}

function isUrl(text: string, protocols: readonly string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}
