import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished, vi } from 'vitest';
import type { SimulatorOptions } from '../../../local/simulator/settings.ts';
import { type Simulator, startSimulator } from '../../../local/simulator/simulator.ts';
import type { TaskState } from '../../../local/simulator/state.ts';

export const STORY_MAKER = 'wiro/story-maker-multi-character-consistency';
export const TEXT_TO_IMAGE = 'wiro/text-to-image';

/** The parts of Wiro's responses that the tests read. */
export interface WiroAnswer {
  readonly result: boolean;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
  readonly total?: string | number;
  readonly taskid?: string;
  readonly socketaccesstoken?: string;
  readonly tasklist?: readonly TaskRecord[];
  readonly list?: readonly { readonly id: string; readonly url: string; readonly size: string }[];
  readonly tool?: readonly Record<string, unknown>[];
}

export interface TaskRecord extends Record<string, unknown> {
  readonly id: string;
  readonly status: string;
  readonly pexit: string;
  readonly totalcost: string;
  readonly outputs: readonly {
    readonly name: string;
    readonly url: string;
    readonly size: string;
    readonly content?: unknown;
  }[];
}

/** Starts a fast simulator with tiny outputs, which stops after the test. */
export async function startWorld(options: SimulatorOptions = {}) {
  const simulator = await startSimulator({
    outputs: 'tiny',
    durationDivisor: 100,
    concurrencyLimit: null,
    ...options,
  });
  onTestFinished(() => simulator.stop());
  return { simulator, ...clientOf(simulator) };
}

/** Calls a simulator like a client with the project's credentials. */
export function clientOf(simulator: Simulator) {
  const post = (path: string, body: RequestInit['body'], headers: Record<string, string> = {}) =>
    fetch(`${simulator.apiUrl}/${path}`, {
      method: 'POST',
      headers: { ...signedHeaders(simulator), ...headers },
      body: body ?? null,
    });
  const call = async (path: string, body: object = {}): Promise<WiroAnswer> => {
    const response = await post(path, JSON.stringify(body), { 'content-type': 'application/json' });
    return (await response.json()) as WiroAnswer;
  };
  const run = async (parameters: object = {}, model = TEXT_TO_IMAGE): Promise<string> => {
    const { taskid, errors } = await call(`Run/${model}`, { prompt: 'A hill', ...parameters });
    if (taskid === undefined) throw new Error(`Run was refused: ${JSON.stringify(errors)}`);
    return taskid;
  };
  const upload = async (bytes: Uint8Array<ArrayBuffer>, name = 'one.png') => {
    const form = new FormData();
    form.set('file', new File([bytes], name));
    const answer = (await (await post('File/Upload', form)).json()) as WiroAnswer;
    const file = answer.list?.[0];
    if (!file) throw new Error(`Upload was refused: ${JSON.stringify(answer.errors)}`);
    return file;
  };
  const detail = async (taskid: string): Promise<TaskRecord> => {
    const record = (await call('Task/Detail', { taskid })).tasklist?.[0];
    if (!record) throw new Error(`There is no task ${taskid}`);
    return record;
  };
  const taskWhen = (taskId: string, isReached: (task: TaskState) => boolean): Promise<TaskState> =>
    eventually(() => simulator.tasks().find((task) => task.id === taskId && isReached(task)));
  const ended = (taskId: string) => taskWhen(taskId, (task) => task.isOver);
  return { post, call, run, upload, detail, taskWhen, ended };
}

export function signedHeaders({ apiKey, apiSecret }: Pick<Simulator, 'apiKey' | 'apiSecret'>) {
  const nonce = '1734513809';
  const signature = createHmac('sha256', apiKey).update(`${apiSecret}${nonce}`).digest('hex');
  return { 'x-api-key': apiKey, 'x-nonce': nonce, 'x-signature': signature };
}

/** Waits until a value exists. */
export function eventually<Value>(find: () => Value | undefined | false): Promise<Value> {
  return vi.waitFor(
    () => {
      const value = find();
      if (value === undefined || value === false) throw new Error(`Still waiting for: ${find}`);
      return value;
    },
    { timeout: 10_000, interval: 5 },
  );
}

export interface ReceivedCallback {
  readonly contentType: string | undefined;
  readonly text: string;
}

/** A callback server that responds with these statuses and then always with 200. */
export async function startReceiver(...statuses: number[]) {
  const received: ReceivedCallback[] = [];
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    const text = Buffer.concat(chunks).toString();
    received.push({ contentType: request.headers['content-type'], text });
    response.writeHead(statuses.shift() ?? 200).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`, received };
}
