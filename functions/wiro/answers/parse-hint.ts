import { isRecord, parseJson } from '../../runtime/json.ts';

/** A larger body is not read. */
const LONGEST = 1_000_000;

/**
 * Finds the task id in a callback's body: in a bare task, a list of tasks, an answer around a task, or a form. A hint, never
 * evidence.
 */
export function parseHint(body: string): string | undefined {
  if (body.length > LONGEST) return undefined;
  const value = parseJson(body) ?? parseForm(body);
  return findTaskId(value, 0);
}

const NAMES = ['taskid', 'taskId', 'task_id', 'id'];
const AROUND = ['tasklist', 'task', 'data', 'detail', 'payload', 'result'];
const DEEPEST = 4;

function findTaskId(value: unknown, depth: number): string | undefined {
  if (depth > DEEPEST) return undefined;
  if (typeof value === 'string' && /^\s*[[{]/.test(value)) return findTaskId(parseJson(value), depth + 1);
  if (Array.isArray(value)) return value.length === 1 ? findTaskId(value[0], depth + 1) : undefined;
  if (!isRecord(value)) return undefined;
  // Look inside first: an answer around a task may have an `id` of its own.
  for (const name of AROUND) {
    const found = name in value ? findTaskId(value[name], depth + 1) : undefined;
    if (found !== undefined) return found;
  }
  for (const name of NAMES) {
    const id = value[name];
    if ((typeof id === 'string' || typeof id === 'number') && /^[A-Za-z0-9-]{1,64}$/.test(String(id)))
      return String(id);
  }
  return undefined;
}

function parseForm(text: string): unknown {
  return text.includes('=') ? Object.fromEntries(new URLSearchParams(text)) : undefined;
}
