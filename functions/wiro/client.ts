import { isRecord } from '../runtime/json.ts';
import { createOutputSources } from './answers/output-sources.ts';
import { parseUploadedFile } from './answers/parse-file.ts';
import { parseModel } from './answers/parse-model.ts';
import { parseTask } from './answers/parse-task.ts';
import { amountOf, type Fields, fieldOf, listOf, omitUndefined } from './answers/values.ts';
import { WiroError } from './errors.ts';
import { openMultipart } from './multipart.ts';
import {
  createSignRequest,
  type Reply,
  type RequestDeps,
  type RequestOptions,
  readReply,
  type SignedRequest,
} from './request.ts';
import { run } from './run.ts';
import type { StopOutcome, WiroClient } from './types.ts';

export interface WiroClientDeps extends RequestDeps {
  readonly timeouts: WiroTimeouts;
}

export interface WiroTimeouts {
  readonly connectMs: number;
  /** From the sent request to the first byte of the answer. */
  readonly headersMs: number;
  /** From the first byte of the answer to the last. */
  readonly bodyMs: number;
  /** An upload fails after this long without progress. Its total time is unlimited. */
  readonly stallMs: number;
}

/**
 * Creates a client of Wiro's API. Every call opens its own connection, and the client never retries.
 * @throws {Error} If `apiUrl` is not an http or https URL.
 * @see https://wiro.ai/docs
 */
export function createWiroClient({ timeouts, ...deps }: WiroClientDeps): WiroClient {
  const signRequest = createSignRequest(deps);
  const { connectMs, stallMs } = timeouts;

  async function ask(
    path: string,
    payload: Fields,
    options?: RequestOptions,
  ): Promise<Reply & Pick<SignedRequest, 'secrets'>> {
    const request = await signRequest(path, options);
    const result = await request.send(JSON.stringify(payload), 'application/json', timeouts);
    return { ...readReply(result, path, request.redact), secrets: request.secrets };
  }

  async function stop(path: string, taskId: string, taskToken?: string): Promise<StopOutcome> {
    // Wiro's documentation and its own client use different names for the token, so both are sent.
    const token = taskToken ? { tasktoken: taskToken, socketaccesstoken: taskToken } : {};
    const reply = await ask(path, { taskid: taskId, ...token }, { secrets: [taskToken] });
    if (reply.kind === 'accepted') return { kind: 'stopped' };
    if (reply.error.code === 1) return { kind: 'refused', message: reply.error.message };
    throw reply.error;
  }

  return {
    run: (request) => run(signRequest, timeouts, request),

    async task(ref, timeoutMs) {
      const path = 'Task/Detail';
      const token = 'taskToken' in ref ? ref.taskToken : undefined;
      const payload =
        'taskToken' in ref ? { tasktoken: token, socketaccesstoken: token } : { taskid: ref.taskId };
      const reply = await ask(path, payload, {
        secrets: [token],
        endsAt: endOf(timeoutMs),
        // A task's log may have any size, and the task is paid for.
        large: { createTrimmer: async () => (await loadTrimmer()).ofDetail() },
      });
      if (reply.kind === 'refused' && reply.error.code === 1) return undefined;
      const rows = rowsOf(accepted(reply), 'tasklist', path);
      if (rows.length === 0) return undefined;
      const sources = createOutputSources(reply.kind === 'accepted' ? reply.text : '');
      const task = rows
        .map((row, index) => parseTask(row, reply.secrets, sources(index)))
        .find((row) => row && ('taskId' in ref ? row.id === ref.taskId : (row.token ?? token) === token));
      if (task === undefined) throw badAnswer(path, 'it contains no readable row of the requested task');
      return task;
    },

    async tasks({ start, limit }) {
      const path = 'Task/List';
      const payload = {
        type: 'model',
        sort: 'id',
        order: 'DESC',
        start: String(start),
        limit: String(limit),
      };
      const reply = await ask(path, payload, {
        large: {
          createTrimmer: async () => (await loadTrimmer()).ofList(),
          // Two rows are the minimum: the next page repeats one of them, which proves that no row is missing.
          ...(limit > 2 && { mostBytes: LARGEST_PAGE_BYTES }),
        },
      });
      // "There is no task yet." means an empty list. Any other refusal says nothing about the list.
      if (reply.kind === 'refused' && reply.error.code === 1 && /there is no task/i.test(reply.error.message))
        return { tasks: [], rows: 0 };
      const fields = accepted(reply);
      const rows = rowsOf(fields, 'tasklist', path);
      return {
        tasks: rows.map((row) => parseTask(row, reply.secrets)).filter((task) => task !== undefined),
        rows: rows.length,
        ...omitUndefined({ total: amountOf(fieldOf(fields, 'total')) }),
      };
    },

    cancel: (taskId, taskToken) => stop('Task/Cancel', taskId, taskToken),
    kill: (taskId, taskToken) => stop('Task/Kill', taskId, taskToken),

    async deleteInputsAndOutputs(taskToken) {
      const payload = { tasktoken: taskToken, socketaccesstoken: taskToken };
      accepted(await ask('Task/InputOutputDelete', payload, { secrets: [taskToken] }));
    },

    async upload(file) {
      const path = 'File/Upload';
      const request = await signRequest(path);
      const body = await openMultipart([{ name: 'file', file }]);
      try {
        // Wiro stores the file before it answers, so the answer may take as long as an upload may stall.
        const patient = { connectMs, headersMs: stallMs, bodyMs: stallMs };
        const result = await request.send(body, body.contentType, patient);
        if (result.kind === 'failed' && body.fileError() !== undefined) throw body.fileError();
        const [row] = rowsOf(accepted(readReply(result, path, request.redact)), 'list', path);
        const uploaded = parseUploadedFile(row, file.name);
        if (uploaded === undefined) throw badAnswer(path, 'it contains no file with a URL');
        return uploaded;
      } finally {
        body.close();
      }
    },

    async models({ search = '', owner, start = 0, limit = 20 }, timeoutMs) {
      const path = 'Tool/List';
      const payload = {
        start: String(start),
        limit: String(limit),
        search,
        ...omitUndefined({ slugowner: owner }),
        sort: 'id',
        order: 'DESC',
        summary: true,
      };
      const fields = accepted(await ask(path, payload, { endsAt: endOf(timeoutMs) }));
      return {
        models: rowsOf(fields, 'tool', path).map(parseModel),
        ...omitUndefined({ total: amountOf(fieldOf(fields, 'total')) }),
      };
    },

    async model(name, timeoutMs) {
      const path = 'Tool/Detail';
      const [slugowner, slugproject] = name.split('/');
      const reply = await ask(path, { slugowner, slugproject }, { endsAt: endOf(timeoutMs) });
      if (reply.kind === 'refused' && reply.error.code === 1) return undefined;
      const [row] = rowsOf(accepted(reply), 'tool', path);
      if (row === undefined) return undefined;
      const model = parseModel(isRecord(row) ? { slugowner, slugproject, ...row } : row);
      if (model === undefined) throw badAnswer(path, 'it contains no model');
      return model;
    },
  };
}

/** Above this size, asking again for half as many rows is faster. */
const LARGEST_PAGE_BYTES = 32 * 1024 * 1024;

async function loadTrimmer() {
  const { createTrimmer, TASK_DETAIL, TASK_LIST } = await import('./answers/trim-answer.ts');
  return { ofDetail: () => createTrimmer(TASK_DETAIL), ofList: () => createTrimmer(TASK_LIST) };
}

const endOf = (timeoutMs: number | undefined) =>
  timeoutMs === undefined ? undefined : performance.now() + timeoutMs;

function accepted(reply: Reply): Fields {
  if (reply.kind === 'refused') throw reply.error;
  return reply.fields;
}

/** Rejects an answer without the list. Reading it as an empty list would be a guess that could cost money. */
function rowsOf(fields: Fields, name: string, path: string): readonly unknown[] {
  const rows = listOf(fieldOf(fields, name));
  if (rows === undefined) throw badAnswer(path, `it contains no list "${name}"`);
  return rows;
}

const badAnswer = (path: string, what: string) =>
  new WiroError('badAnswer', `Cannot use the answer of Wiro's ${path}: ${what}`, { why: what });
