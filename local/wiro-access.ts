import { parseOutputHosts } from '../functions/outputs/output-hosts.ts';
import { WIRO_DEFAULTS } from '../functions/settings.ts';
import { SetupError } from './setup-error.ts';

/** The addresses and credentials of a Wiro, real or simulated. */
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
 * Reads the Wiro to use from environment variables. Returns `undefined` without `WIRO_API_URL`, even if other variables
 * are set, so that an exported key alone never leads to charges.
 * @throws {SetupError} If a variable is invalid or missing.
 */
export function readWiroAccess(env: NodeJS.ProcessEnv): WiroAccess | undefined {
  const { WIRO_API_URL, WIRO_SOCKET_URL, WIRO_API_KEY, WIRO_API_SECRET, WIRO_OUTPUT_HOSTS } = env;
  if (!WIRO_API_URL) return undefined;
  const apiUrl = WIRO_API_URL.replace(/\/$/, '');
  if (!isUrl(apiUrl, ['http:', 'https:']) || !apiUrl.endsWith('/v1'))
    throw new SetupError(
      `WIRO_API_URL is "${WIRO_API_URL}": set an http(s) URL that ends in /v1, for example ${WIRO_DEFAULTS.apiUrl}.`,
    );
  if (WIRO_SOCKET_URL && !isUrl(WIRO_SOCKET_URL, ['ws:', 'wss:']))
    throw new SetupError(
      `WIRO_SOCKET_URL is "${WIRO_SOCKET_URL}": set a ws(s) URL, for example ${WIRO_DEFAULTS.socketUrl}.`,
    );
  if (!WIRO_API_KEY)
    throw new SetupError(
      'WIRO_API_URL is set, but WIRO_API_KEY is missing: set it (and WIRO_API_SECRET, unless the project is key-only), or unset WIRO_API_URL to use the simulator.',
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

/** Checks the hosts before the start. A failure when copying the first output would come after Wiro's charge. */
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
