import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import type { Client, Generation } from '../client/index.ts';
import { type Answer, answer, remedied, ToolError } from './answer.ts';
import type { Budget } from './budget.ts';
import { isRefusal } from './is-refusal.ts';
import { shown, shownRows } from './shown.ts';
import { submissionKey } from './submission-key.ts';

export interface ToolsDeps {
  readonly client: Client;
  /** @default - what the deployment allows */
  readonly budget?: Budget;
}

const MOST_ROWS = 50;
/** Clients give up after 60 s. */
const MOST_WAIT_SECONDS = 50;
const PREFIX_OF_ERRORS = 'Nothing was submitted, and nothing costs anything: ';

const model = z.string().min(1).max(200).describe('owner/project, as search_models lists it');
const id = z.string().min(1).max(100).describe("the generation's id");
const request = {
  model,
  parameters: z.record(z.string(), z.unknown()).optional().describe('by name, as get_model lists them'),
  inputs: z
    .record(z.string(), z.union([z.string(), z.array(z.string()).max(100)]))
    .optional()
    .describe('files by parameter: an https:// URL or a key of the input bucket, or several'),
};

const READS = { readOnlyHint: true, openWorldHint: true } as const;

/** Adds the tools. Each answers with JSON, and errors with the API's code, message and problems. */
export function addTools(server: McpServer, deps: ToolsDeps): void {
  addModelTools(server, deps);
  addRunTools(server, deps);
  addRecordTools(server, deps);
}

function addModelTools(server: McpServer, { client, budget }: ToolsDeps): void {
  server.registerTool(
    'search_models',
    {
      description: 'Lists the AI models that this deployment runs, with what they cost. Search by words.',
      inputSchema: z.strictObject({
        search: z.string().max(200).optional(),
        limit: z.int().min(1).max(MOST_ROWS).default(20),
      }),
      annotations: READS,
    },
    ({ search, limit }, { signal }) =>
      answer(async () => {
        const models = [];
        for await (const row of client.models({ ...(search !== undefined && { search }), signal })) {
          models.push(row);
          if (models.length === limit) break;
        }
        return { value: { models }, explain: remedied('Search for more words.') };
      }),
  );

  server.registerTool(
    'get_model',
    {
      description: "Reads a model's parameters, inputs and prices, with a request to start from.",
      inputSchema: z.strictObject({ model }),
      annotations: READS,
    },
    ({ model }, { signal }) =>
      answer(async () => ({
        value: await client.model(model, { signal }),
        explain: remedied(`"npx wiro-serverless models ${model} --json" prints all of it.`),
      })),
  );

  server.registerTool(
    'price',
    {
      description: 'Checks a request and tells its price. Runs nothing and costs nothing.',
      inputSchema: z.strictObject(request),
      annotations: READS,
    },
    (wanted, { signal }) =>
      answer(async () => ({
        value: {
          ...(await client.price(withoutUndefined(wanted), { signal })),
          ...(budget && { budgetLeftUsd: budget.leftUsd() }),
        },
      })),
  );
}

function addRunTools(server: McpServer, deps: ToolsDeps): void {
  const { client } = deps;

  server.registerTool(
    'submit',
    {
      description:
        'Runs a model. This costs money. The same arguments are the same generation: a repeat starts nothing, costs ' +
        'nothing and answers repeated: true. Give a variation for another run of the same request. Then call wait.',
      inputSchema: z.strictObject({
        ...request,
        variation: z.string().max(200).optional().describe('distinguishes another run of the same request'),
        maxCostUsd: z.number().positive().optional().describe('refuses what is known to cost more'),
      }),
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    },
    ({ variation, maxCostUsd, ...wanted }, { signal }) =>
      answer(() => submit(deps, { wanted: withoutUndefined(wanted), variation, maxCostUsd, signal })),
  );

  server.registerTool(
    'cancel',
    {
      description: 'Cancels a generation. A task that succeeds meanwhile keeps its outputs and its cost.',
      inputSchema: z.strictObject({ id }),
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
    },
    ({ id }, { signal }) => answer(async () => shown(await client.cancel(id, { signal }))),
  );
}

function addRecordTools(server: McpServer, { client }: ToolsDeps): void {
  server.registerTool(
    'wait',
    {
      description:
        'Waits until a generation has ended, or for some seconds. Call it again while the status is not succeeded, ' +
        'failed or cancelled; waitingFor says why it has not ended.',
      inputSchema: z.strictObject({
        id,
        seconds: z.number().min(0).max(MOST_WAIT_SECONDS).default(45),
      }),
      annotations: READS,
    },
    ({ id, seconds }, { signal }) => answer(async () => shown(await waitFor(client, id, seconds, signal))),
  );

  server.registerTool(
    'get',
    {
      description: 'Reads a generation: its status, outputs, cost, and why it waits or failed.',
      inputSchema: z.strictObject({
        id,
        outputsFrom: z.int().min(0).default(0).describe('leaves out the outputs before this index'),
      }),
      annotations: READS,
    },
    ({ id, outputsFrom }, { signal }) =>
      answer(async () => shown(await client.get(id, { signal }), outputsFrom)),
  );

  server.registerTool(
    'list',
    {
      description: 'Lists generations, newest first.',
      inputSchema: z.strictObject({
        status: z
          .enum(['queued', 'submitting', 'running', 'collecting', 'succeeded', 'failed', 'cancelled'])
          .optional(),
        model: model.optional(),
        to: z.string().max(40).optional().describe('only those accepted before this time'),
        limit: z.int().min(1).max(MOST_ROWS).default(20),
      }),
      annotations: READS,
    },
    ({ limit, ...filters }, { signal }) =>
      answer(async () => {
        const rows = [];
        // One more tells whether there are older ones.
        const pageSize = limit + 1;
        for await (const row of client.list({ ...withoutUndefined(filters), pageSize, signal }))
          if (rows.push(row) > limit) break;
        return shownRows(rows.slice(0, limit), rows.length > limit);
      }),
  );

  server.registerTool(
    'download_link',
    {
      description: 'Makes a link to an output. Whoever has the link can read the output until it expires.',
      inputSchema: z.strictObject({ id, index: z.int().min(0).default(0).describe('of the output, from 0') }),
      annotations: READS,
    },
    ({ id, index }, { signal }) =>
      answer(async () => {
        const { outputs = [], status } = await client.get(id, { signal });
        const output = outputs[index];
        if (output === undefined)
          throw new ToolError(
            'not_found',
            outputs.length === 0
              ? `The generation has no outputs; its status is ${status}.`
              : `The generation has outputs 0 to ${outputs.length - 1}, and no ${index}.`,
          );
        return { value: output };
      }),
  );
}

interface Wanted {
  readonly wanted: { readonly model: string };
  readonly variation: string | undefined;
  readonly maxCostUsd: number | undefined;
  readonly signal: AbortSignal;
}

async function submit(
  { client, budget }: ToolsDeps,
  { wanted, variation, maxCostUsd, signal }: Wanted,
): Promise<Answer> {
  const idempotencyKey = submissionKey(wanted, variation);
  const limited = (usd: number | undefined) => ({
    ...wanted,
    idempotencyKey,
    ...(usd !== undefined && { maxCostUsd: usd }),
  });
  if (budget === undefined) return shownSubmission(await client.submit(limited(maxCostUsd), { signal }));

  const check = await client.price(limited(maxCostUsd), { signal });
  if (!check.valid && check.repeats === undefined) {
    const [first] = check.problems;
    throw new ToolError(
      first?.code ?? 'invalid_request',
      PREFIX_OF_ERRORS + (first?.message ?? 'the request is invalid.'),
      check.problems,
    );
  }
  // What is repeated was counted before, or was submitted by somebody else.
  if (check.repeats !== undefined) {
    const repeated = await client.get(check.repeats, { signal });
    return shownSubmission({ ...repeated, repeated: true }, budget);
  }
  const { price } = check;
  const refusal = budget.take(idempotencyKey, price);
  if (refusal !== undefined) throw new ToolError('over_budget', PREFIX_OF_ERRORS + explain(refusal));
  try {
    const generation = await client.submit(limited(maxCostUsd), { signal });
    // A repeat counts too: an answer that got lost makes the first submission look like one.
    budget.keep(idempotencyKey);
    return shownSubmission(generation, budget);
  } catch (error) {
    if (isRefusal(error)) budget.giveBack(idempotencyKey);
    else budget.keep(idempotencyKey);
    throw error;
  }
}

function explain(refusal: NonNullable<ReturnType<Budget['take']>>): string {
  return refusal.kind === 'unknown'
    ? 'its price is unknown, and this server has a budget. Choose a model whose price is known, or have the ' +
        'server started without --budget.'
    : `it costs $${refusal.usd}, and $${refusal.leftUsd} of the budget is left. Choose what costs less, or have ` +
        'the server started with a higher --budget.';
}

function shownSubmission(generation: Generation, budget?: Budget): Answer {
  const { value, ...rest } = shown(generation);
  return {
    ...rest,
    value: {
      ...value,
      ...(generation.repeated && {
        note: 'These arguments were submitted before: this is that generation. Give a variation for another run.',
      }),
      ...(budget && { budgetLeftUsd: budget.leftUsd() }),
    },
  };
}

async function waitFor(
  client: Client,
  id: string,
  seconds: number,
  signal: AbortSignal,
): Promise<Generation> {
  let latest: Generation | undefined;
  const limit = AbortSignal.timeout(seconds * 1_000);
  try {
    return await client.wait(id, {
      signal: AbortSignal.any([signal, limit]),
      onRecord: (record) => {
        latest = record;
      },
    });
  } catch (error) {
    if (limit.aborted && !signal.aborted) return latest ?? (await client.get(id, { signal }));
    throw error;
  }
}

/** Optional properties may be absent, not undefined. */
type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };
function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as Defined<T>;
}
