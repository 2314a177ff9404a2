import { createOutputSources } from './answers/output-sources.ts';
import { parseUploadedFile } from './answers/parse-file.ts';
import { parseModel } from './answers/parse-model.ts';
import { parseTask } from './answers/parse-task.ts';
import { amountOf, type Fields, fieldOf, filledTextOf, isFields, listOf, present } from './answers/values.ts';
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
  /** Until an answer begins. */
  readonly headersMs: number;
  /** For the whole body of an answer. */
  readonly bodyMs: number;
  /** An upload fails when nothing moves for this long, whatever it takes altogether. */
  readonly stallMs: number;
}

/**
 * A client of Wiro's API. Every call has a connection of its own, and none is repeated here.
 * @throws {Error} When `apiUrl` is no http or https URL.
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
    // Documentation and client name the task differently: every name is sent.
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
        // Its log may be of any size, and it was paid for.
        large: { createTrimmer: async () => (await loadTrimmer()).ofDetail() },
      });
      if (reply.kind === 'refused' && reply.error.code === 1) return undefined;
      const rows = rowsOf(accepted(reply), 'tasklist', path);
      if (rows.length === 0) return undefined;
      const sources = createOutputSources(reply.kind === 'accepted' ? reply.text : '');
      const task = rows
        .map((row, index) => parseTask(row, reply.secrets, sources(index)))
        .find((row) => row && ('taskId' in ref ? row.id === ref.taskId : (row.token ?? token) === token));
      if (task === undefined)
        throw badAnswer(path, 'it shows another task than the one asked for, or none readable');
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
          // Two rows are the least that prove anything, by the one that the next page repeats.
          ...(limit > 2 && { mostBytes: LARGEST_PAGE_BYTES }),
        },
      });
      // "There is no task yet." is an empty list; any other no proves nothing about what is on the list.
      if (reply.kind === 'refused' && reply.error.code === 1 && /there is no task/i.test(reply.error.message))
        return { tasks: [], rows: 0 };
      const fields = accepted(reply);
      const rows = rowsOf(fields, 'tasklist', path);
      return {
        tasks: rows.map((row) => parseTask(row, reply.secrets)).filter((task) => task !== undefined),
        rows: rows.length,
        ...present({ total: amountOf(fieldOf(fields, 'total')) }),
      };
    },

    cancel: (taskId, taskToken) => stop('Task/Cancel', taskId, taskToken),
    kill: (taskId, taskToken) => stop('Task/Kill', taskId, taskToken),

    async deleteInputsAndOutputs(taskToken) {
      const payload = { tasktoken: taskToken, socketaccesstoken: taskToken };
      accepted(await ask('Task/InputOutputDelete', payload, { secrets: [taskToken] }));
    },

    async createFolder(name, parentId) {
      const path = 'File/FolderCreate';
      const fields = accepted(await ask(path, { name, ...present({ parentid: parentId }) }));
      const [folder] = rowsOf(fields, 'list', path);
      const id = isFields(folder) ? filledTextOf(fieldOf(folder, 'id')) : undefined;
      if (id === undefined) throw badAnswer(path, 'it shows no folder');
      return { id };
    },

    /** Besides `WiroError` it throws what reading the file threw, as it is. */
    async upload(file, folderId) {
      const path = 'File/Upload';
      const request = await signRequest(path);
      const folder = folderId === undefined ? [] : [{ name: 'folderid', value: folderId }];
      const body = await openMultipart([...folder, { name: 'file', file }]);
      try {
        // The answer too may take as long as an upload may stall: Wiro stores the file before it answers.
        const patient = { connectMs, headersMs: stallMs, bodyMs: stallMs };
        const result = await request.send(body, body.contentType, patient);
        if (result.kind === 'failed' && body.fileError() !== undefined) throw body.fileError();
        const [row] = rowsOf(accepted(readReply(result, path, request.redact)), 'list', path);
        const uploaded = parseUploadedFile(row, file.name);
        if (uploaded === undefined) throw badAnswer(path, 'it shows no file with an address');
        return uploaded;
      } finally {
        body.close();
      }
    },

    async models({ search = '', start = 0, limit = 20 }) {
      const path = 'Tool/List';
      const payload = {
        start: String(start),
        limit: String(limit),
        search,
        sort: 'id',
        order: 'DESC',
        summary: true,
      };
      const rows = rowsOf(accepted(await ask(path, payload)), 'tool', path);
      return rows.map(parseModel).filter((model) => model !== undefined);
    },

    async model(name, timeoutMs) {
      const path = 'Tool/Detail';
      const [slugowner, slugproject] = name.split('/');
      const reply = await ask(path, { slugowner, slugproject }, { endsAt: endOf(timeoutMs) });
      if (reply.kind === 'refused' && reply.error.code === 1) return undefined;
      const [row] = rowsOf(accepted(reply), 'tool', path);
      if (row === undefined) return undefined;
      const model = parseModel(isFields(row) ? { slugowner, slugproject, ...row } : row);
      if (model === undefined) throw badAnswer(path, 'it shows no model');
      return model;
    },
  };
}

/** Half as many rows come sooner than more than this. */
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

/** A list that is missing is not an empty one: that would be a guess, and could cost money. */
function rowsOf(fields: Fields, name: string, path: string): readonly unknown[] {
  const rows = listOf(fieldOf(fields, name));
  if (rows === undefined) throw badAnswer(path, `it has no list "${name}"`);
  return rows;
}

const badAnswer = (path: string, what: string) =>
  new WiroError('badAnswer', `Cannot use what Wiro's ${path} answered: ${what}`, { why: what });
