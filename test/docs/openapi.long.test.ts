import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { OPERATIONS, type Operation, requestFaults } from '../support/api-contract.ts';
import { eventually } from '../support/eventually.ts';
import { picture } from '../support/pictures.ts';
import { type PlannedFault, startSystem } from '../support/system.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** What an example sends, and what comes back: `system.call` checks the answer against the document. */
interface Example {
  readonly status: number;
  readonly code?: string;
  readonly send: () => Promise<{ readonly path: string; readonly body?: unknown; readonly text?: string }>;
}

const system = await startSystem({ maximumGenerationsPerDay: 12 });
const { simulator } = system;
await system.put('photo.png', picture(), 'image/png');

const TEXT = { model: 'wiro/text-to-image', parameters: { prompt: 'A hill' } };
const NOBODY = '/generations/aaaaaaaaaaaaaaaaaaaaaaaaaa';

const submitted = async (...faults: readonly PlannedFault[]) => {
  const { idempotencyKey, id } = system.plan(...faults);
  await system.submit({ ...TEXT, idempotencyKey });
  return id;
};
const failed = async () => {
  const id = await submitted({ operation: 'task', fault: { kind: 'fails' } });
  await system.ended(id);
  return id;
};
/** Uses up what the day allows. */
const fullDay = () =>
  eventually('the limit of the day', async () => (await system.post(TEXT)).status === 429);

/** What the last retry is refused for: it failed before the day was full. */
const failedBefore = await failed();

const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  submitGeneration: [
    {
      status: 202,
      send: async () => ({
        path: '/generations',
        body: {
          model: 'wiro/image-to-image',
          parameters: { prompt: 'A boat' },
          inputs: { inputImage: 'photo.png' },
          labels: { order: '17' },
          idempotencyKey: 'taken',
        },
      }),
    },
    {
      status: 400,
      code: 'invalid_parameter',
      send: async () => ({ path: '/generations', body: { ...TEXT, parameters: {} } }),
    },
    { status: 400, code: 'invalid_request', send: async () => ({ path: '/generations', text: '{' }) },
    {
      status: 400,
      code: 'price_too_high',
      send: async () => ({ path: '/generations', body: { ...TEXT, maxCostUsd: 0.001 } }),
    },
    { status: 200, send: async () => ({ path: '/generations', body: { ...TEXT, dryRun: true } }) },
    {
      status: 200,
      send: async () => ({
        path: '/generations',
        body: { ...TEXT, parameters: { promt: 'x' }, dryRun: true, maxCostUsd: 0.001 },
      }),
    },
    {
      status: 202,
      send: async () => {
        await submitted();
        return {
          path: '/generations',
          body: { ...TEXT, parameters: { prompt: 'x', promt: 'y' }, idempotencyKey: 'warned', maxCostUsd: 1 },
        };
      },
    },
    {
      status: 409,
      code: 'idempotency_conflict',
      send: async () => ({ path: '/generations', body: { ...TEXT, idempotencyKey: 'taken' } }),
    },
    {
      status: 413,
      code: 'request_too_large',
      send: async () => ({ path: '/generations', text: `"${'x'.repeat(1024 * 1024)}"` }),
    },
  ],
  createUpload: [
    { status: 201, send: async () => ({ path: '/uploads', body: { name: 'photo.png', sizeBytes: 4 } }) },
    {
      status: 400,
      code: 'input_unsupported',
      send: async () => ({ path: '/uploads', body: { name: 'a.tif', sizeBytes: 4 } }),
    },
    {
      status: 413,
      code: 'request_too_large',
      send: async () => ({ path: '/uploads', text: ' '.repeat(1024 * 1024 + 1) }),
    },
  ],
  listModels: [
    { status: 200, send: async () => ({ path: '/models?limit=3' }) },
    { status: 200, send: async () => ({ path: '/models?search=picture' }) },
    { status: 400, code: 'invalid_parameter', send: async () => ({ path: '/models?cursor=x' }) },
  ],
  headModels: [{ status: 200, send: async () => ({ path: '/models' }) }],
  getModel: [
    { status: 200, send: async () => ({ path: '/models/wiro/moving-picture' }) },
    { status: 200, send: async () => ({ path: '/models/wiro/no-parameters' }) },
    { status: 404, code: 'model_not_found', send: async () => ({ path: '/models/wiro/none' }) },
  ],
  headModel: [
    { status: 200, send: async () => ({ path: '/models/wiro/collage' }) },
    { status: 404, send: async () => ({ path: '/models/wiro/none' }) },
  ],
  listGenerations: [
    {
      status: 200,
      send: async () => {
        const id = await submitted();
        await system.ended(id);
        return { path: '/generations?status=succeeded&limit=100' };
      },
    },
    { status: 200, send: async () => ({ path: '/generations?status=failed&label.order=17' }) },
    { status: 400, code: 'invalid_parameter', send: async () => ({ path: '/generations?limit=0' }) },
  ],
  getUsage: [
    {
      status: 200,
      send: async () => {
        const id = await submitted();
        await system.ended(id);
        return { path: '/usage' };
      },
    },
    { status: 200, send: async () => ({ path: '/usage?from=2026-01-01&to=2026-12-31' }) },
    { status: 400, code: 'invalid_parameter', send: async () => ({ path: '/usage?from=yesterday' }) },
  ],
  getGeneration: [
    { status: 200, send: async () => ({ path: `/generations/${await submitted()}` }) },
    { status: 404, code: 'not_found', send: async () => ({ path: NOBODY }) },
  ],
  getTimeline: [
    { status: 200, send: async () => ({ path: `/generations/${failedBefore}/timeline` }) },
    { status: 404, code: 'not_found', send: async () => ({ path: `${NOBODY}/timeline` }) },
  ],
  headGeneration: [
    { status: 200, send: async () => ({ path: `/generations/${await submitted()}` }) },
    { status: 404, send: async () => ({ path: NOBODY }) },
  ],
  cancelGeneration: [
    { status: 202, send: async () => ({ path: `/generations/${await submitted()}/cancel` }) },
    { status: 404, code: 'not_found', send: async () => ({ path: `${NOBODY}/cancel` }) },
  ],
  retryGeneration: [
    {
      status: 202,
      send: async () => ({ path: `/generations/${await failed()}/retry`, body: { force: true } }),
    },
    {
      status: 400,
      code: 'invalid_parameter',
      send: async () => ({ path: `${NOBODY}/retry`, body: { force: 'yes' } }),
    },
    { status: 404, code: 'not_found', send: async () => ({ path: `${NOBODY}/retry` }) },
    {
      status: 409,
      code: 'not_retryable',
      send: async () => {
        const { id } = (await system.post(TEXT)).body as { id: string };
        return { path: `/generations/${id}/retry` };
      },
    },
    {
      status: 413,
      code: 'request_too_large',
      send: async () => ({ path: `${NOBODY}/retry`, text: ' '.repeat(1024 * 1024 + 1) }),
    },
  ],
};

/** When nothing is accepted any more: shown last. */
const WHEN_FULL: Readonly<Record<string, () => Promise<{ readonly path: string; readonly body?: unknown }>>> =
  {
    submitGeneration: async () => ({ path: '/generations', body: TEXT }),
    retryGeneration: async () => ({ path: `/generations/${failedBefore}/retry` }),
  };
/** Answers of AWS, or of a deployment that lacks something: other tests show them, by the same check. */
const ELSEWHERE: readonly number[] = [403, 503];

describe.each(OPERATIONS)('$operationId', (operation: Operation) => {
  const examples = EXAMPLES[operation.operationId] ?? [];

  it.each(examples)('answers $status $code', async ({ status, code, send }) => {
    const { path: at, body, text } = await send();

    const answer = await system.call(
      operation.method,
      at,
      text ?? (body === undefined ? undefined : JSON.stringify(body)),
    );

    expect(answer.status).toBe(status);
    if (code !== undefined) expect(answer.body).toMatchObject({ error: { code } });
    // What is accepted is right by the document, and what the document refuses is not accepted.
    if (status < 300 || body !== undefined)
      expect(requestFaults(operation, body).length === 0 || status >= 400).toBe(true);
  });

  it('has an example of each status', () => {
    const shown = new Set([...examples.map(({ status }) => status), ...ELSEWHERE]);
    if (WHEN_FULL[operation.operationId] !== undefined) shown.add(429);

    expect(operation.statuses.filter((status) => !shown.has(status))).toEqual([]);
  });
});

it.each(Object.entries(WHEN_FULL))('%s answers 429 once the day is full', async (operationId, send) => {
  await fullDay();
  const { path: at, body } = await send();
  const { method } = OPERATIONS.find((operation) => operation.operationId === operationId) ?? {};

  const answer = await system.call(method ?? '', at, body === undefined ? undefined : JSON.stringify(body));

  expect(answer).toMatchObject({ status: 429, body: { error: { code: 'daily_limit_reached' } } });
});

it('charges nothing for what was refused', () => {
  expect(simulator.tasks().length).toBeLessThanOrEqual(12);
});

it('is a document that a linter accepts', async () => {
  const lint = await promisify(execFile)(
    process.execPath,
    [path.join(ROOT, 'node_modules/@redocly/cli/bin/cli.js'), 'lint', 'docs/openapi.yaml'],
    {
      cwd: ROOT,
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    },
  );

  expect(lint.stderr + lint.stdout).toContain('valid');
});
