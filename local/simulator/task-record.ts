import type { RecordFault, TaskStatus } from './fault-rules.ts';
import { describeFile } from './files.ts';
import { createdAt, type SimulatedTask, type TaskOutput } from './tasks.ts';

/** How a fault changes the shown tasks. `lagMs` is in real milliseconds. */
export type RecordView = Omit<RecordFault, 'kind'>;

/** Whether the response contains the task. */
export function isShown(task: SimulatedTask, now: number, { missing, lagMs }: RecordView): boolean {
  return !missing && (lagMs === undefined || createdAt(task) <= now - lagMs);
}

/** Describes a task in the form of Wiro's responses, where nearly every value is a string. */
export function describeTask(
  task: SimulatedTask,
  now: number,
  view: RecordView = {},
): Record<string, unknown> {
  const history = task.history.filter(({ at }) => view.lagMs === undefined || at <= now - view.lagMs);
  const secondsOf = (...statuses: readonly TaskStatus[]) => {
    const at = history.find(({ status }) => statuses.includes(status))?.at;
    return at === undefined ? '0' : String(Math.floor(at / 1000));
  };
  // Results only show together with the last status.
  const isUpToDate = history.length === task.history.length;
  const outputs = isUpToDate ? describeOutputs(task) : [];
  const sizeBytes = outputs.reduce((sum, { size }) => sum + Number(size ?? 0), 0);

  const record: Record<string, unknown> = {
    id: task.id,
    uuid: '15bce51f-442f-4f44-a71d-13c6374a62bd',
    name: '',
    socketaccesstoken: task.token,
    parameters: task.parameters,
    debugoutput: isUpToDate ? task.debugOutput : '',
    debugerror: isUpToDate ? task.debugError : '',
    starttime: secondsOf('task_start'),
    endtime: secondsOf('task_end'),
    elapsedseconds: task.elapsedSeconds.toFixed(4),
    status: shownStatus(task, history),
    cps: 'perSecondUsd' in task.model.price ? task.model.price.perSecondUsd.toFixed(12) : '0.000000000000',
    totalcost: isUpToDate && task.costUsd > 0 ? task.costUsd.toFixed(12) : '0',
    guestid: null,
    projectid: task.projectId,
    modelid: task.model.id,
    description: '',
    basemodelid: '0',
    runtype: 'model',
    modelfolderid: '',
    modelfileid: '',
    callbackurl: task.callbackUrl,
    marketplaceid: null,
    createtime: secondsOf('task_queue'),
    canceltime: secondsOf('task_cancel'),
    assigntime: secondsOf('task_assign'),
    accepttime: secondsOf('task_accept'),
    preprocessstarttime: secondsOf('task_preprocess_start'),
    preprocessendtime: secondsOf('task_preprocess_end'),
    postprocessstarttime: secondsOf('task_postprocess_start'),
    postprocessendtime: secondsOf('task_postprocess_end'),
    pexit: isUpToDate ? task.exitCode : '',
    categories: JSON.stringify(task.model.categories),
    outputs,
    size: String(sizeBytes),
    modelslugowner: task.model.owner,
    modelslugproject: task.model.project,
    modeldescription: task.model.description,
  };
  return Object.keys(view).length === 0 ? record : reshape(record, task, view);
}

export function describeOutputs({ outputs, fault, readsAfterEnd }: SimulatedTask): Record<string, unknown>[] {
  if (fault?.kind === 'outputsLate' && readsAfterEnd <= fault.reads) return [];
  const isWrong = fault?.kind === 'wrongSize' || fault?.kind === 'wrongType';
  const deltaBytes = isWrong ? (fault.deltaBytes ?? 0) : 0;
  return outputs.map((output: TaskOutput) =>
    output.kind === 'file'
      ? {
          ...describeFile(output.file, output.file.bytes.sizeBytes + deltaBytes),
          ...(fault?.kind === 'wrongType' && { contenttype: fault.contentType }),
        }
      : { contenttype: 'raw', content: output.content },
  );
}

const ALWAYS_SHOWN: readonly TaskStatus[] = [
  'task_queue',
  'task_postprocess_end',
  'task_cancel',
  'task_error',
];

/** The newest status that the task's fault does not hide. */
function shownStatus({ fault }: SimulatedTask, history: SimulatedTask['history']): TaskStatus {
  const isShown = (status: TaskStatus) =>
    fault?.kind !== 'skipsStatuses' ||
    ALWAYS_SHOWN.includes(status) ||
    (fault.statuses !== undefined && !fault.statuses.includes(status));
  return history.findLast(({ status }) => isShown(status))?.status ?? 'task_queue';
}

function reshape(record: Record<string, unknown>, task: SimulatedTask, view: RecordView) {
  const shaped = view.numbers
    ? Object.fromEntries(Object.entries(record).map(([name, value]) => [name, numberOf(value)]))
    : { ...record };
  if (view.numbers) shaped.outputs = (record.outputs as object[]).map(withNumbers);
  if (view.parametersAsString) shaped.parameters = JSON.stringify(task.parameters);
  if (view.categoriesAsArray) shaped.categories = task.model.categories;
  if (view.forgedSignature) shaped.callbackurl = task.callbackUrl.replace(/[0-9a-f]{64}$/, '0'.repeat(64));
  if (view.logLength !== undefined) shaped.debugoutput = 'x'.repeat(view.logLength);
  if (view.withoutCallbackUrl) delete shaped.callbackurl;
  if (view.withoutOutputs) delete shaped.outputs;
  if (view.debugOutputBytes !== undefined) shaped.debugoutput = 'x'.repeat(view.debugOutputBytes);
  return shaped;
}

function withNumbers(record: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, numberOf(value)]));
}

function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}
