/** A live message from a running task. */
export interface TaskProgress {
  readonly percentage?: number;
  /** For example `step 12 of 25`. */
  readonly text?: string;
}

/**
 * Listens to a task through Wiro's socket. Only for display: no messages or a closed socket is not an error.
 * @returns A function that stops listening.
 */
export function listenToTask(
  { socketUrl, token }: { readonly socketUrl: string; readonly token: string },
  onProgress: (progress: TaskProgress) => void,
): () => void {
  let socket: WebSocket;
  try {
    socket = new WebSocket(socketUrl);
  } catch {
    return () => {};
  }
  socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'task_info', tasktoken: token })));
  socket.addEventListener('message', ({ data }: { data: unknown }) => {
    const progress = parseMessage(data);
    if (progress) onProgress(progress);
  });
  socket.addEventListener('error', () => {});
  return () => socket.close();
}

const PHASES: Readonly<Record<string, string>> = {
  task_queue: 'waiting for a worker',
  task_accept: 'accepted by a worker',
  task_preprocess_start: 'preparing the inputs',
  task_assign: 'waiting for a GPU',
  task_start: 'started',
  task_end: 'ended',
  task_postprocess_start: 'storing the outputs',
};

function parseMessage(data: unknown): TaskProgress | undefined {
  const { type, message } = asObject(parseJson(data));
  if (type === 'task_output') {
    if (typeof message === 'string') return { text: message };
    const { percentage, stepCurrent, stepTotal } = asObject(message);
    const known = Number(percentage);
    return {
      ...(percentage !== undefined && Number.isFinite(known) && { percentage: known }),
      ...(stepCurrent !== undefined &&
        stepTotal !== undefined && { text: `step ${stepCurrent} of ${stepTotal}` }),
    };
  }
  const text = PHASES[String(type)];
  return text === undefined ? undefined : { text };
}

function parseJson(data: unknown): unknown {
  try {
    return typeof data === 'string' ? JSON.parse(data) : undefined;
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
