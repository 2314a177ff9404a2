import type { Callbacks } from './callbacks.ts';
import type { Clock } from './clock.ts';
import type { AnswerFault, ApiOperation, RecordFault } from './fault-rules.ts';
import type { FaultSubject, Faults } from './faults.ts';
import { describeFile, type FileStore } from './files.ts';
import type { Lifecycle } from './lifecycle.ts';
import { describeModel, exploreModels, findModel, searchModels, summarizeModel } from './models.ts';
import { randomHex } from './names.ts';
import type { RunForm } from './parameters.ts';
import { RequestError } from './request.ts';
import { acceptRun, callbackUrlOf } from './run.ts';
import type { Settings } from './settings.ts';
import { listTasks } from './task-list.ts';
import { describeTask, isShown, type RecordView } from './task-record.ts';
import { isOver, type SimulatedTask, subjectOf, type TaskStore } from './tasks.ts';

/** One call, with its split path under `/v1` and its form. */
export interface ApiCall {
  readonly operation: ApiOperation;
  /** The rest of the path: owner and project of a `Run`. */
  readonly rest: readonly string[];
  readonly form: RunForm;
  readonly fault: AnswerFault | RecordFault | undefined;
}

export type Answer = Readonly<Record<string, unknown>>;

export interface ApiDeps {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly files: FileStore;
  readonly tasks: TaskStore;
  readonly lifecycle: Lifecycle;
  readonly callbacks: Pick<Callbacks, 'announceEarly'>;
}

export interface Api {
  /** The subject of a call, for fault rules. Has no side effects. */
  subject(call: Omit<ApiCall, 'fault'>): FaultSubject;
  /** @throws {RequestError} */
  carryOut(call: ApiCall): Promise<Answer>;
}

export function createApi(deps: ApiDeps): Api {
  const { clock, files, tasks, lifecycle } = deps;

  const taskOf = ({ fields }: RunForm): SimulatedTask | undefined =>
    tasks.find(String(fields.taskid ?? fields.tasktoken ?? fields.socketaccesstoken ?? ''));

  function knownTask(form: RunForm): SimulatedTask {
    const task = taskOf(form);
    if (!task) throw new RequestError('There is no task yet.', 1);
    return task;
  }

  function stopTask({ form, fault }: ApiCall, stop: (task: SimulatedTask) => boolean): Answer {
    const task = knownTask(form);
    if (fault?.kind !== 'ignored' && !stop(task))
      throw new RequestError('Task is not in a cancellable state.', 1);
    return { tasklist: [describeTask(task, clock.now())] };
  }

  const carryOut: { readonly [operation in ApiOperation]: (call: ApiCall) => Answer | Promise<Answer> } = {
    Run: async ({ rest: [owner = '', project = ''], form }) => {
      const task = acceptRun(deps, owner, project, form);
      await deps.callbacks.announceEarly(task);
      lifecycle.begin(task);
      return { taskid: task.id, socketaccesstoken: task.token };
    },
    'Task/Detail': ({ form, fault }) => {
      const task = knownTask(form);
      const view = viewOf(fault, clock);
      if (!isShown(task, clock.now(), view)) throw new RequestError('There is no task yet.', 1);
      if (isOver(task)) task.readsAfterEnd += 1;
      return { total: view.numbers ? 1 : '1', tasklist: [describeTask(task, clock.now(), view)] };
    },
    'Task/List': ({ form: { fields }, fault }) => {
      if (tasks.all().length === 0) throw new RequestError('There is no task yet.', 1);
      return listTasks(tasks.all(), fields, clock.now(), viewOf(fault, clock));
    },
    'Task/Cancel': (call) => stopTask(call, lifecycle.cancel),
    'Task/Kill': (call) => stopTask(call, lifecycle.kill),
    'Task/InputOutputDelete': async ({ form }) => {
      const task = knownTask(form);
      if (!isOver(task)) throw new RequestError('Task is not finished yet.', 1);
      const outputs = task.outputs.flatMap((output) => (output.kind === 'file' ? [output.file] : []));
      const inputs = task.inputUrls.flatMap((url) => files.findByUrl(url) ?? []);
      task.outputs = [];
      tasks.save(task);
      await Promise.all([...outputs, ...inputs].map(files.remove));
      return {};
    },
    'File/Upload': ({ form }) => {
      const file = form.files.file?.[0];
      if (!file) throw new RequestError('Request files [file] required');
      return { list: [describeFile(file)] };
    },
    'File/FolderCreate': ({ form: { fields } }) => {
      const { name, parentid = '' } = fields;
      if (typeof name !== 'string' || name === '')
        throw new RequestError('Request parameter [name] required');
      if (!/^[A-Za-z0-9_-]+$/.test(name))
        throw new RequestError('Request parameter [name] must be letters, digits, - or _');
      return { list: [{ id: randomHex(), name, parentid, filecount: '0', foldercount: '0' }] };
    },
    'Tool/List': ({ form: { fields } }) => {
      const found = searchModels(fields);
      const start = Number(fields.start ?? 0);
      const tool = found.slice(start, start + Number(fields.limit ?? 20));
      return { total: String(found.length), tool: tool.map(summarizeModel) };
    },
    'Tool/Explore': () => ({ explore: exploreModels() }),
    'Tool/Detail': ({ form: { fields } }) => {
      const model = findModel(String(fields.slugowner ?? ''), String(fields.slugproject ?? ''));
      if (!model) throw new RequestError('slug-owner-project-not-exist', 1);
      return { total: '1', tool: [describeModel(model)] };
    },
  };

  return {
    subject: ({ operation, rest: [owner, project], form }) => {
      if (operation === 'Run')
        return { model: `${owner}/${project}`, callbackUrl: callbackUrlOf(form.fields) };
      const task = taskOf(form);
      return task ? subjectOf(task) : {};
    },
    carryOut: async (call) => ({ errors: [], ...(await carryOut[call.operation](call)), result: true }),
  };
}

function viewOf(fault: ApiCall['fault'], clock: Clock): RecordView {
  if (fault?.kind !== 'record') return {};
  const { kind: _, lagMs, ...view } = fault;
  return lagMs === undefined ? view : { ...view, lagMs: clock.real(lagMs) };
}
