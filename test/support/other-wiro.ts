import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WiroAccess } from '../../local/wiro-access.ts';
import { picture } from './pictures.ts';

export interface OtherWiroOptions {
  /** A project without a secret. @default false */
  readonly keyOnly?: boolean;
  /** How it reports a task's end. @default 'never' */
  readonly callback?: 'never' | 'form' | 'bareTask' | 'beforeRunAnswer';
  /** Whether records have a wrong output size, so that the output is read twice. @default false */
  readonly wrongSize?: boolean;
}

/** A task of this Wiro. */
export interface OtherTask {
  readonly id: number;
  readonly model: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly callbackUrl: string;
}

/**
 * Another implementation of Wiro's API, which shares nothing with the simulator. It has numbers instead of strings, JSON
 * strings instead of objects, no status between the queue and the end, and hostile file names.
 */
export async function startOtherWiro({
  keyOnly = false,
  callback = 'never',
  wrongSize = false,
}: OtherWiroOptions = {}) {
  const apiKey = randomUUID();
  const apiSecret = keyOnly ? undefined : randomUUID();
  const files = new Map<string, Buffer>();
  const tasks: OtherTask[] = [];
  const looks = new Map<number, number>();

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', `http://${host}`);
    const body = Buffer.concat(await request.toArray());
    if (request.method === 'GET') {
      const file = files.get(pathname);
      // Without a length, like a CDN that compresses on the fly.
      response.writeHead(file ? 200 : 404, { 'content-type': 'image/png' }).end(file);
      return;
    }
    const send = (fields: object, status = 200) =>
      void response.writeHead(status, { 'content-type': 'text/plain' }).end(JSON.stringify(fields));
    if (!isAuthentic(request)) return send({ result: false, errors: ['Unauthorized'] }, 401);
    if (pathname === '/other/v1/File/Upload') return send(upload(request, body));
    const fields = JSON.parse(body.toString()) as Record<string, unknown>;
    if (pathname.startsWith('/other/v1/Run/')) return send(await run(pathname.slice(14), fields));
    if (pathname === '/other/v1/Task/Detail') return send(detail(Number(fields.taskid)));
    if (pathname === '/other/v1/Task/List') return send({ result: true, tasklist: tasks.map(record) });
    send({ result: false, errors: [{ code: 0, message: 'Error parsing url.' }] }, 404);
  }

  function isAuthentic({ headers }: IncomingMessage): boolean {
    if (headers['x-api-key'] !== apiKey) return false;
    if (apiSecret === undefined) return headers['x-signature'] === undefined;
    const expected = createHmac('sha256', apiKey).update(`${apiSecret}${headers['x-nonce']}`).digest('hex');
    return headers['x-signature'] === expected;
  }

  function upload({ headers }: IncomingMessage, body: Buffer) {
    const boundary = /boundary="?([^";]+)/.exec(headers['content-type'] ?? '')?.[1];
    const start = body.indexOf('\r\n\r\n') + 4;
    const path = `/uploads/${randomUUID()}`;
    files.set(path, body.subarray(start, body.indexOf(`\r\n--${boundary}`, start)));
    return { result: true, list: [{ id: 7, url: `http://${host}${path}` }] };
  }

  async function run(model: string, fields: Readonly<Record<string, unknown>>) {
    const id = 9_000_000_000 + tasks.length;
    const callbackUrl = String(fields.callbackUrl);
    const task = { id, model, fields, callbackUrl };
    for (const index of [0, 1]) files.set(`/made/${id}/${index}`, Buffer.from(picture(100 + index)));
    tasks.push(task);
    if (callback === 'beforeRunAnswer') await callBack(task);
    else if (callback !== 'never') setTimeout(() => void callBack(task).catch(() => {}), 50);
    return { result: 'true', errors: null, taskid: id, socketaccesstoken: `token-of-${id}` };
  }

  async function callBack(task: OtherTask): Promise<void> {
    looks.set(task.id, LOOKS_BEFORE_END);
    const body =
      callback === 'form' ? new URLSearchParams({ id: String(task.id) }) : JSON.stringify(record(task));
    await fetch(task.callbackUrl, { method: 'POST', body });
  }

  function detail(id: number) {
    const task = tasks.find((one) => one.id === id);
    if (!task) return { result: false, errors: [{ code: 1, message: 'There is no task yet.' }] };
    const shown = record(task);
    looks.set(id, (looks.get(id) ?? 0) + 1);
    return { result: true, total: 1, tasklist: JSON.stringify([shown]) };
  }

  /** Queued at the first look, ended at the next. */
  function record({ id, fields, callbackUrl }: OtherTask) {
    const isOver = (looks.get(id) ?? 0) >= LOOKS_BEFORE_END;
    return {
      id,
      status: isOver ? 'task_postprocess_end' : 'task_queue',
      pexit: isOver ? 0 : null,
      createtime: Math.floor(Date.now() / 1000),
      parameters: JSON.stringify(fields),
      categories: '["tool"]',
      callbackurl: callbackUrl,
      totalcost: isOver ? 0.125 : 0,
      elapsedseconds: 3,
      ...(isOver && {
        outputs: [
          { name: '../../../etc/passwd', contenttype: 'image/png', url: `http://${host}/made/${id}/0` },
          { name: '../../../etc/passwd', ...(wrongSize && { size: 1 }), url: `http://${host}/made/${id}/1` },
        ],
      }),
    };
  }

  return {
    access: {
      apiUrl: `http://${host}/other/v1`,
      socketUrl: `ws://${host}/no/socket`,
      apiKey,
      ...(apiSecret && { apiSecret }),
      outputHosts: host,
    } satisfies WiroAccess,
    tasks: (): readonly OtherTask[] => tasks,
    /** Uploaded files, by the path of their URL. */
    file: (url: unknown): Buffer | undefined => files.get(new URL(String(url)).pathname),
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const LOOKS_BEFORE_END = 1;
