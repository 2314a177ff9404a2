import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ToolsDeps } from './tools.ts';

export interface McpHttp {
  /** Where clients connect to, by streamable HTTP. */
  readonly url: string;
  stop(): Promise<void>;
}

const PATH = '/mcp';
const MOST_BYTES = 1024 * 1024;

/** Serves MCP on loopback. Answers this machine's programs only: no page of a browser, whatever name it is served by. */
export async function startMcpHttp(
  deps: ToolsDeps & { readonly version: string },
  { port = 0 }: { readonly port?: number } = {},
): Promise<McpHttp> {
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error(error);
      refuse(response, 500, 'The request failed.');
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { host } = request.headers;
    const names = [`127.0.0.1:${portOf()}`, `localhost:${portOf()}`];
    if (host === undefined || !names.includes(host)) return refuse(response, 403, 'This host is not served.');
    if (request.headers.origin !== undefined) return refuse(response, 403, 'Web pages are not served.');
    if (request.url !== PATH) return refuse(response, 404, `Only ${PATH} is served.`);
    if (request.method !== 'POST')
      return refuse(response, 405, 'Only POST is served: there are no sessions.');
    const body = await readJson(request);
    if (body === undefined) return refuse(response, 400, 'The body must be JSON of at most 1 MiB.');
    // Loaded by the first request, because most start without.
    const [{ StreamableHTTPServerTransport }, { createMcpServer }] = await Promise.all([
      import('@modelcontextprotocol/sdk/server/streamableHttp.js'),
      import('./server.ts'),
    ]);
    const connection = createMcpServer(deps);
    const transport = new StreamableHTTPServerTransport({});
    response.on('close', () => void connection.close());
    await connection.connect(transport);
    await transport.handleRequest(request, response, body);
  }

  const portOf = () => (server.address() as AddressInfo).port;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${portOf()}${PATH}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) return void response.destroy();
  response
    .writeHead(status, { 'content-type': 'application/json', connection: 'close' })
    .end(JSON.stringify({ jsonrpc: '2.0', error: { code: -32_000, message }, id: null }));
}
