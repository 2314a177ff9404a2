import { generationId } from '../../../functions/request/identity.ts';
import {
  type ApiAnswer,
  type ApiFault,
  type DetailAnswer,
  type ListAnswer,
  Player,
  type RunAnswer,
  type Script,
  type StopAnswer,
  type TaskStory,
  type Work,
} from './script.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What the client's end of a connection meets. */
export type WireAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly text: string; readonly afterMs: number }
  | { readonly kind: 'reset' | 'silent' };

export interface WiroTask {
  readonly id: string;
  readonly token: string;
  readonly callbackUrl: string;
  readonly story: TaskStory;
  readonly createdAt: number;
  readonly isStrangers: boolean;
  stoppedAt?: number;
  /** When its end was first told. */
  readsAfterEnd: number;
}

export interface WiroDeps {
  readonly time: VirtualTime;
  readonly script: Script;
  /** Delivers a callback. */
  readonly callBack: (url: string, body: string) => void;
}

const MODEL = { owner: 'wiro', project: 'flux' };
/** A late one is made while the search still has to wait for the mark's lease. */
const LATE_MS = 40_000;
const ERRED_SECONDS = 600;
const HUGE = 'x'.repeat(4 * 1024 * 1024 + 1);
const COST_USD = '0.040000000000';

/**
 * Wiro's API in memory: honest about its tasks, but for what the script says. It is given a request as it came and
 * answers as text, so that the client's own reading of answers is under test, too.
 */
export class Wiro {
  readonly tasks: WiroTask[] = [];
  uploads = 0;
  /** Everything is right from here on. */
  isHealed = false;
  readonly #deps: WiroDeps;
  readonly #run: Player<RunAnswer>;
  readonly #detail: Player<DetailAnswer>;
  readonly #list: Player<ListAnswer>;
  readonly #cancel: Player<StopAnswer>;
  readonly #kill: Player<StopAnswer>;
  readonly #upload: Player<ApiAnswer>;
  readonly #tool: Player<ApiAnswer>;
  readonly #stories: Player<TaskStory>;
  #refusals = 0;

  constructor(deps: WiroDeps) {
    const { script } = deps;
    this.#deps = deps;
    this.#run = new Player(script.run);
    this.#detail = new Player(script.detail);
    this.#list = new Player(script.list);
    this.#cancel = new Player(script.cancel);
    this.#kill = new Player(script.kill);
    this.#upload = new Player(script.upload);
    this.#tool = new Player(script.tool);
    this.#stories = new Player(script.tasks);
    this.#addStrangers();
  }

  /** How it stands with a connection: refused where the next answer of this operation says so. */
  decide(operation: string): RunAnswer | DetailAnswer | ListAnswer | StopAnswer {
    if (this.isHealed) return { kind: 'right' };
    switch (operation) {
      case 'Run':
        return this.#run.next();
      case 'Task/Detail':
        return this.#detail.next();
      case 'Task/List':
        return this.#list.next();
      case 'Task/Cancel':
        return this.#cancel.next();
      case 'Task/Kill':
        return this.#kill.next();
      case 'File/Upload':
        return this.#upload.next();
      case 'Tool/Detail':
        return this.#tool.next();
      default:
        return { kind: 'right' };
    }
  }

  answer(operation: string, body: string, decided: ReturnType<Wiro['decide']>): WireAnswer {
    const fields = fieldsOf(body);
    const work: Work =
      decided.kind === 'right' || decided.kind === 'late'
        ? 'done'
        : 'work' in decided
          ? decided.work
          : operation === 'Run' || operation === 'File/Upload'
            ? 'never'
            : 'done';
    let truth: Record<string, unknown> | undefined;
    const doIt = () => this.#carryOut(operation, fields, decided);
    if (work === 'done') truth = doIt();
    if (work === 'late') this.#deps.time.after(LATE_MS, doIt);
    switch (decided.kind) {
      case 'reset':
      case 'silent':
        return { kind: decided.kind };
      case 'unreachable':
        return { kind: 'reset' };
      case 'garbage':
        return answered('{"result":true,"errors":[],"ta');
      case 'status':
        return answered(BODIES[decided.body], decided.status);
      case 'refused':
        return answered(JSON.stringify({ result: false, errors: [this.#refusal(decided)] }));
      case 'noTaskId':
        return answered('{"result":true,"errors":[]}');
      case 'late':
        return answered(JSON.stringify(truth), 200, decided.ms);
      default:
        return answered(JSON.stringify(truth));
    }
  }

  #refusal({ code, message, changing, bare }: Extract<ApiFault, { kind: 'refused' }>): unknown {
    this.#refusals += 1;
    const text = changing ? `${message} (${this.#refusals})` : message;
    return bare ? text : { code, message: text };
  }

  // --- what it does ---------------------------------------------------------------------------------------------

  #carryOut(
    operation: string,
    fields: Readonly<Record<string, unknown>>,
    decided: ReturnType<Wiro['decide']>,
  ): Record<string, unknown> {
    switch (operation) {
      case 'Run':
        return this.#runTask(String(fields.callbackUrl ?? fields.callbackurl ?? ''));
      case 'Task/Detail':
        return this.#describe(fields, decided);
      case 'Task/List':
        return this.#page(fields, decided);
      case 'Task/Cancel':
      case 'Task/Kill':
        return this.#stop(operation, fields, decided.kind === 'ignored');
      case 'File/Upload': {
        this.uploads += 1;
        const id = `file-${this.uploads}`;
        return { result: true, errors: [], list: [{ id, name: id, url: `https://cdn.wiro.test/up/${id}` }] };
      }
      case 'Tool/Detail':
        return { result: true, errors: [], total: '1', tool: [TOOL] };
      default:
        return { result: true, errors: [] };
    }
  }

  #runTask(callbackUrl: string): Record<string, unknown> {
    const { time, script } = this.#deps;
    const limit = this.isHealed ? undefined : script.limit;
    const active = this.tasks.filter((task) => !task.isStrangers && !this.isOver(task)).length;
    if (limit !== undefined && active >= limit)
      return {
        result: false,
        errors: [{ code: 96, message: `you can run up to ${limit} tasks at the same time` }],
      };
    const story = this.isHealed ? RIGHT_STORY : this.#stories.next();
    const task = this.#add({ callbackUrl, story, createdAt: time.now, isStrangers: false });
    this.#planCallbacks(task);
    return { result: true, errors: [], taskid: task.id, socketaccesstoken: task.token };
  }

  #add(given: Pick<WiroTask, 'callbackUrl' | 'story' | 'createdAt' | 'isStrangers'>): WiroTask {
    const number = this.tasks.length + 1_001;
    const task = { ...given, id: String(number), token: `token-${number}`, readsAfterEnd: 0 };
    this.tasks.push(task);
    return task;
  }

  #planCallbacks(task: WiroTask): void {
    const { time } = this.#deps;
    const { callback } = task.story;
    const endsAt = this.#plannedEnd(task);
    const body = () =>
      callback === 'empty'
        ? ''
        : callback === 'garbage'
          ? '{"hello": [1, 2'
          : JSON.stringify({ result: true, tasklist: [this.#row(task)] });
    const deliver = () => this.#deps.callBack(task.callbackUrl, body());
    if (callback === 'early') time.after(1, deliver);
    if (endsAt === undefined || callback === 'lost') return;
    const wait = endsAt - time.now + 200;
    time.after(callback === 'late' ? wait + 5 * 3_600_000 : wait, deliver);
    if (callback === 'twice') time.after(wait + 2_000, deliver);
  }

  #describe(
    fields: Readonly<Record<string, unknown>>,
    { kind }: ReturnType<Wiro['decide']>,
  ): Record<string, unknown> {
    const wanted = [fields.taskid, fields.tasktoken, fields.socketaccesstoken].map(String);
    const task = this.tasks.find(({ id, token }) => wanted.includes(id) || wanted.includes(token));
    if (task === undefined || kind === 'missing') return NO_TASK;
    if (this.isOver(task)) task.readsAfterEnd += 1;
    const row = this.#row(task);
    const shown = kind === 'stranger' ? { ...row, id: '999', socketaccesstoken: 'other' } : row;
    return { result: true, errors: [], total: '1', tasklist: [kind === 'huge' ? withHuge(shown) : shown] };
  }

  #page(
    { start, limit }: Readonly<Record<string, unknown>>,
    { kind }: ReturnType<Wiro['decide']>,
  ): Record<string, unknown> {
    if (this.tasks.length === 0) return NO_TASK;
    const rows = this.tasks
      .toReversed()
      .slice(Number(start), Number(start) + Number(limit))
      .map((task) => {
        const row = this.#row(task);
        if (kind === 'withoutCallbackUrls') delete row.callbackurl;
        return kind === 'huge' ? withHuge(row) : row;
      });
    const shown = kind === 'unreadableRow' ? [...rows, { oops: true }] : rows;
    return { result: true, errors: [], total: String(this.tasks.length), tasklist: shown };
  }

  #stop(
    operation: string,
    fields: Readonly<Record<string, unknown>>,
    ignored: boolean,
  ): Record<string, unknown> {
    const wanted = [fields.taskid, fields.tasktoken, fields.socketaccesstoken].map(String);
    const task = this.tasks.find(({ id, token }) => wanted.includes(id) || wanted.includes(token));
    if (task === undefined) return NO_TASK;
    const status = this.statusOf(task);
    const canStop =
      operation === 'Task/Cancel'
        ? status === 'task_queue'
        : status === 'task_start' || status === 'task_error';
    if (!ignored && (this.isOver(task) || !canStop || !task.story.takesKill)) return NOT_STOPPABLE;
    if (!ignored) task.stoppedAt = this.#deps.time.now;
    return { result: true, errors: [], tasklist: [this.#row(task)] };
  }

  // --- what becomes of a task -----------------------------------------------------------------------------------

  /** When it ends by itself; `undefined` when it never does. */
  #plannedEnd({ story, createdAt }: WiroTask): number | undefined {
    const { end, seconds } = story;
    if (end === 'stuck' || end === 'errs') return undefined;
    const erred = end === 'errsThenSucceeds' || end === 'errsThenFails' ? ERRED_SECONDS : 0;
    return createdAt + (seconds + erred) * 1_000;
  }

  statusOf(task: WiroTask): string {
    const { story, createdAt, stoppedAt } = task;
    const { now } = this.#deps.time;
    if (stoppedAt !== undefined) return 'task_cancel';
    const age = (now - createdAt) / 1_000;
    const { end, seconds, stuckAt } = story;
    const isErring = end === 'errs' || end === 'errsThenSucceeds' || end === 'errsThenFails';
    if (isErring && age >= 1 && (end === 'errs' || age < ERRED_SECONDS)) return 'task_error';
    const endsAt = this.#plannedEnd(task);
    if (endsAt !== undefined && now >= endsAt)
      return end === 'cancelled' ? 'task_cancel' : 'task_postprocess_end';
    if (end === 'stuck' && age >= 1) return stuckAt;
    return age < Math.min(2, seconds / 2) ? 'task_queue' : 'task_start';
  }

  isOver(task: WiroTask): boolean {
    const status = this.statusOf(task);
    return status === 'task_cancel' || status === 'task_postprocess_end';
  }

  hasSucceeded(task: WiroTask): boolean {
    return this.statusOf(task) === 'task_postprocess_end' && exitOf(task) === '0';
  }

  outputsOf(task: WiroTask): readonly Record<string, unknown>[] {
    const { outputs, end } = task.story;
    const makesSome = this.hasSucceeded(task) || (end === 'cancelled' && task.stoppedAt === undefined);
    if (!makesSome || outputs === 'none' || (outputs === 'late' && task.readsAfterEnd < 2)) return [];
    if (outputs === 'raw')
      return [{ contenttype: 'raw', content: { prompt: 'p', raw: 'r', thinking: [], answer: ['yes'] } }];
    if (outputs === 'strangeUrl')
      return [
        {
          id: '1',
          name: 'a.png',
          contenttype: 'image/png',
          size: '67',
          url: `ftp://cdn.wiro.test/${task.id}`,
        },
      ];
    return Array.from({ length: outputs === 'two' ? 2 : 1 }, (_, index) => ({
      id: `${task.id}${index}`,
      name: `${index}.png`,
      contenttype: 'image/png',
      size: String(OUTPUT_BYTES.length),
      url: `https://cdn.wiro.test/${task.id}/${index}.png`,
    }));
  }

  #row(task: WiroTask): Record<string, unknown> {
    const isOver = this.isOver(task);
    const hasFailed = isOver && this.statusOf(task) === 'task_postprocess_end' && !this.hasSucceeded(task);
    return {
      id: task.id,
      uuid: '15bce51f-442f-4f44-a71d-13c6374a62bd',
      socketaccesstoken: task.token,
      parameters: {},
      debugoutput: '',
      debugerror: hasFailed || this.statusOf(task) === 'task_error' ? 'CUDA out of memory' : '',
      elapsedseconds: '4.0000',
      status: this.statusOf(task),
      totalcost: this.hasSucceeded(task) ? COST_USD : '0',
      callbackurl: task.callbackUrl,
      createtime: String(Math.floor(task.createdAt / 1_000)),
      pexit: isOver ? exitOf(task) : '',
      outputs: this.outputsOf(task),
      modelslugowner: task.isStrangers ? 'somebody' : MODEL.owner,
      modelslugproject: task.isStrangers ? 'else' : MODEL.project,
    };
  }

  #addStrangers(): void {
    const { script, time } = this.#deps;
    if (script.strangers === 'none') return;
    // Again and again, so that whichever Run is searched for, some of them are younger.
    for (const hour of [0, 0.02, 0.1, 0.5, 1.2, 3, 7])
      time.after(hour * 3_600_000, () => {
        const callbackUrl = STRANGERS_URL[script.strangers];
        this.#add({ callbackUrl, story: RIGHT_STORY, createdAt: time.now, isStrangers: true });
      });
  }
}

export const RIGHT_STORY: TaskStory = {
  end: 'succeeds',
  seconds: 20,
  stuckAt: 'task_start',
  takesKill: true,
  outputs: 'one',
  callback: 'right',
};

/** The smallest PNG. */
export const OUTPUT_BYTES = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

/** `forged`: as if it were the first one's that the API is asked for, but for the signature. */
const STRANGERS_URL = {
  none: '',
  ordinary: 'https://elsewhere.test/hook',
  withoutUrl: '',
  forged: `https://callback.test/shop/${generationId('shop', 'api', 'key-0')}/1/${'0'.repeat(64)}`,
} as const;
const NO_TASK = { result: false, errors: [{ code: 1, message: 'There is no task yet.' }] };
const NOT_STOPPABLE = {
  result: false,
  errors: [{ code: 1, message: 'Task is not in a cancellable state.' }],
};
const TOOL = {
  id: '1',
  title: 'Flux',
  slugowner: MODEL.owner,
  slugproject: MODEL.project,
  cleanslugowner: MODEL.owner,
  cleanslugproject: MODEL.project,
  parameters: [
    {
      title: 'All',
      items: [
        { id: 'prompt', type: 'textarea', required: false },
        { id: 'inputImage', type: 'fileinput', required: false },
      ],
    },
  ],
};
const BODIES = {
  html: '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>',
  json: '{"result":false,"errors":[{"code":0,"message":"Error parsing url."}]}',
  empty: '',
} as const;

const exitOf = ({ story, stoppedAt }: WiroTask): string =>
  stoppedAt === undefined && (story.end === 'fails' || story.end === 'errsThenFails') ? '1' : '0';

const withHuge = (row: Record<string, unknown>) => ({ ...row, debugoutput: HUGE });

const answered = (text: string, status = 200, afterMs = 0): WireAnswer => ({
  kind: 'answered',
  status,
  text,
  afterMs,
});

/** JSON, or the plain fields of a multipart body. */
function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  if (body.startsWith('{')) return JSON.parse(body) as Record<string, unknown>;
  const parts = body.matchAll(/name="([^"]+)"\r\n\r\n([^\r]*)\r\n/g);
  return Object.fromEntries([...parts].map(([, name, value]) => [name, value]));
}
