import type { Clock } from './clock.ts';
import type { CallbackShape } from './fault-rules.ts';
import type { Faults } from './faults.ts';
import { describeTask } from './task-record.ts';
import { type SimulatedTask, statusOf, subjectOf } from './tasks.ts';

/** One attempt to deliver a callback, or a callback that a fault dropped. */
export interface CallbackDelivery {
  readonly taskId: string;
  readonly url: string;
  /** From 1. */
  readonly attempt: number;
  readonly outcome: 'delivered' | 'refused' | 'unreachable' | 'lost';
  readonly httpStatus?: number;
  readonly fault?: string;
  readonly sentAt: number;
}

export interface CallbacksDeps {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly fetch: typeof fetch;
  /** Aborted when the simulator stops. */
  readonly stopped: AbortSignal;
}

export interface Callbacks {
  /** Calls the task's callback URL, if it has one, after the task's end. Resolves after the last attempt. */
  announce(task: SimulatedTask): Promise<void>;
  /** Calls it before the task's end, if a fault rule says so. */
  announceEarly(task: SimulatedTask): Promise<void>;
  deliveries(): readonly CallbackDelivery[];
}

const ATTEMPTS = 3;
const GAP_MS = 2_000;
// In real time, because a divisor does not shorten the callback function's cold start.
const ANSWER_LIMIT_MS = 10_000;

export function createCallbacks({ clock, faults, fetch, stopped }: CallbacksDeps): Callbacks {
  const deliveries: CallbackDelivery[] = [];

  /** @returns Whether the response was 200. */
  async function attempt(task: SimulatedTask, number: number, body: CallbackBody, fault?: string) {
    const sentAt = clock.now();
    const note = (rest: Pick<CallbackDelivery, 'outcome' | 'httpStatus'>) => {
      const named = fault === undefined ? {} : { fault };
      deliveries.push({ taskId: task.id, url: task.callbackUrl, attempt: number, sentAt, ...rest, ...named });
      return rest.outcome === 'delivered';
    };
    try {
      const response = await fetch(task.callbackUrl, {
        method: 'POST',
        // Opens a new connection each time. Reusing one that the server just closed would look like a failed callback.
        headers: { 'content-type': body.contentType, 'user-agent': 'wiro-simulator', connection: 'close' },
        body: body.text,
        redirect: 'manual',
        signal: AbortSignal.any([stopped, AbortSignal.timeout(ANSWER_LIMIT_MS)]),
      });
      await response.arrayBuffer();
      return note({
        outcome: response.status === 200 ? 'delivered' : 'refused',
        httpStatus: response.status,
      });
    } catch {
      return note({ outcome: 'unreachable' });
    }
  }

  async function deliver(task: SimulatedTask, body: CallbackBody, fault?: string): Promise<void> {
    for (let number = 1; number <= ATTEMPTS; number += 1) {
      if (number > 1) await clock.wait(GAP_MS);
      if (stopped.aborted || (await attempt(task, number, body, fault))) return;
    }
  }

  return {
    announce: async (task) => {
      if (task.callbackUrl === '') return;
      const fault = faults.take('callback', subjectOf(task), ({ kind }) => kind !== 'premature');
      const body =
        fault?.kind === 'shape'
          ? callbackBody(task, clock.now(), fault.shape, fault.contentType)
          : callbackBody(task, clock.now(), 'detail');
      if (fault?.kind === 'lost') {
        const { id: taskId, callbackUrl: url } = task;
        deliveries.push({ taskId, url, attempt: 1, outcome: 'lost', fault: 'lost', sentAt: clock.now() });
        return;
      }
      if (fault?.kind === 'delayed') await clock.wait(fault.delayMs);
      await deliver(task, body, fault?.kind);
      if (fault?.kind !== 'duplicated') return;
      for (let more = 1; more < (fault.times ?? 2); more += 1) {
        await clock.wait(fault.gapMs ?? 0);
        await deliver(task, body, fault.kind);
      }
    },
    announceEarly: async (task) => {
      if (task.callbackUrl === '') return;
      const fault = faults.take('callback', subjectOf(task), ({ kind }) => kind === 'premature');
      if (fault) await attempt(task, 1, callbackBody(task, clock.now(), 'detail'), 'premature');
    },
    deliveries: () => deliveries,
  };
}

interface CallbackBody {
  readonly contentType: string;
  readonly text: string;
}

function callbackBody(
  task: SimulatedTask,
  now: number,
  shape: CallbackShape,
  contentType?: string,
): CallbackBody {
  const record = describeTask(task, now);
  const ids = { taskid: task.id, socketaccesstoken: task.token, status: statusOf(task) };
  const type = contentType ?? (shape === 'form' ? 'application/x-www-form-urlencoded' : 'application/json');
  const body = (text: string) => ({ contentType: type, text });
  switch (shape) {
    case 'detail':
      return body(JSON.stringify({ total: '1', errors: [], tasklist: [record], result: true }));
    case 'tasklist':
      return body(JSON.stringify({ tasklist: [record] }));
    case 'bareTask':
      return body(JSON.stringify(record));
    case 'ids':
      return body(JSON.stringify(ids));
    case 'form':
      return body(new URLSearchParams(ids).toString());
    case 'empty':
      return body('');
    case 'garbage':
      return body('{"tasklist":[{"id":"');
  }
}
