import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { invokeLater } from '../../functions/aws/invoke.ts';

const TRACE = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';

let server: Server;
const seen: IncomingHttpHeaders[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request.headers);
    response.writeHead(202).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});
afterAll(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

/** The trace that an invocation passes to the function it starts. */
async function passedOnBy(trace: string | undefined): Promise<IncomingHttpHeaders[string]> {
  seen.length = 0;
  vi.stubEnv('_X_AMZN_TRACE_ID', trace);
  await invokeLater('submit', { submit: 'id' });
  return seen[0]?.['x-amzn-trace-id'];
}

it('adds an invoked function to the trace of its caller', async () => {
  expect(await passedOnBy(TRACE)).toBe(TRACE);
});

it('omits the count with which Lambda stops chains at 16 invocations', async () => {
  expect(await passedOnBy(`${TRACE};Lineage=a87bd80c:0,68fd508a:5|c512fbe3:2`)).toBe(TRACE);
  expect(await passedOnBy(`Root=1-2;Lineage=25:a87bd80c:15;Parent=3;Sampled=1;Self=1-9`)).toBe(
    'Root=1-2;Parent=3;Sampled=1',
  );
});

it.each([
  ['with a trace that is not sampled', TRACE.replace('Sampled=1', 'Sampled=0')],
  ['with a trace that does not say whether it is sampled', 'Root=1-2;Parent=3'],
  ['without a trace', undefined],
  ['with an empty one', ''],
])('passes no trace from an invocation %s', async (_, trace) => {
  expect(await passedOnBy(trace)).toBeUndefined();
});

it('passes the trace of the current invocation, not of an earlier one', async () => {
  const other = TRACE.replace('53995c3f42cd8ad8', '1111111111111111');

  expect([await passedOnBy(TRACE), await passedOnBy(other)]).toEqual([TRACE, other]);
});
