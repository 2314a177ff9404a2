import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export type ApiWorld = Awaited<ReturnType<typeof startApiWorld>>;

/** The API as far as the tools use it: generations by idempotency key, each of which costs $0.04. */
export async function startApiWorld() {
  const byKey = new Map<string, string>();
  const succeeded = new Set<string>();
  const details = new Map<string, object>();
  let loseNext = false;
  let next: { method: string; status: number; body: object | undefined } | undefined;

  const record = (id: string): Record<string, unknown> & { outputs?: readonly object[] } => ({
    id,
    model: 'wiro/text-to-image',
    status: succeeded.has(id) ? 'succeeded' : 'queued',
    attempt: 1,
    createdAt: '2026-11-29T00:00:00.000Z',
    ...(succeeded.has(id)
      ? { outputs: [OUTPUT] }
      : { progress: { url: 'wss://socket.example/v1', token: 'secret-token' } }),
    ...details.get(id),
  });

  function post(body: Record<string, unknown>): [number, object] {
    const id = byKey.get(String(body.idempotencyKey));
    const isUnpriced = body.model === 'wiro/unpriced';
    const problems =
      body.parameters === undefined && !isUnpriced
        ? [{ code: 'invalid_parameter', field: 'parameters.prompt', message: 'prompt is missing.' }]
        : [];
    if (body.dryRun)
      return [
        200,
        {
          dryRun: true,
          valid: problems.length === 0,
          problems,
          warnings: [],
          price: isUnpriced ? { certainty: 'unknown' } : { certainty: 'exact', usd: 0.04 },
          ...(id !== undefined && { repeats: id }),
        },
      ];
    if (problems.length > 0) return [400, { error: { ...problems[0], retryable: false, problems } }];
    if (id !== undefined) return [202, { ...record(id), repeated: true }];
    const created = `g${byKey.size + 1}`;
    byKey.set(String(body.idempotencyKey), created);
    return [202, record(created)];
  }

  const server = createServer(async (request, response) => {
    const body = request.method === 'POST' ? JSON.parse((await text(request)) || '{}') : {};
    const [, , id = ''] = (request.url ?? '').split('/');
    let answer: [number, object | undefined];
    const ready = next;
    if (loseNext && request.method === 'POST' && !body.dryRun) {
      loseNext = false;
      post(body);
      return void request.socket.destroy();
    }
    if (ready !== undefined && ready.method === request.method && !body.dryRun) {
      answer = [ready.status, ready.body];
      next = undefined;
    } else if (request.method === 'POST') answer = post(body);
    else if (id === '') {
      const rows = [...byKey.values()].map((one) => {
        const { outputs, ...row } = record(one);
        return { ...row, origin: 'api', outputs: 1, ...(outputs && { output: { index: 0, ...outputs[0] } }) };
      });
      answer = [200, { generations: rows }];
    } else answer = [200, record(id)];
    response.writeHead(answer[0], { 'content-type': 'application/json' }).end(JSON.stringify(answer[1]));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    generations: () => byKey.size,
    succeed: (id: string) => void succeeded.add(id),
    /** Adds to a record. */
    describe: (id: string, more: object) => void details.set(id, more),
    /** Answers the next request of the method so, dry runs excepted. */
    answerNext: (method: string, status: number, body: object | undefined) => {
      next = { method, status, body };
    },
    /** Accepts the next submission, and loses the answer. */
    loseNextAnswer: () => {
      loseNext = true;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const OUTPUT = {
  name: 'out.png',
  bucket: 'outputs',
  key: 'outputs/out.png',
  contentType: 'image/png',
  sizeBytes: 10,
  sha256: 'a'.repeat(64),
  url: 'https://bucket.example/out.png?X-Amz-Signature=abc',
  urlExpiresAt: '2026-11-29T01:00:00.000Z',
};
