import type { AnswerFault, FaultOperation, FaultRule } from './fault-rules.ts';

const ANSWER_KINDS: readonly AnswerFault['kind'][] = [
  'reset',
  'silent',
  'status',
  'html',
  'garbage',
  'truncated',
  'error',
  'noTaskId',
  'slow',
];
const KINDS: { readonly [operation in FaultOperation]: readonly string[] } = {
  Run: [...ANSWER_KINDS, 'afterCallback'],
  'Task/Detail': [...ANSWER_KINDS, 'record'],
  'Task/List': [...ANSWER_KINDS, 'record'],
  'Task/Cancel': [...ANSWER_KINDS, 'ignored'],
  'Task/Kill': [...ANSWER_KINDS, 'ignored'],
  'Task/InputOutputDelete': ANSWER_KINDS,
  'File/Upload': ANSWER_KINDS,
  'File/FolderCreate': ANSWER_KINDS,
  'Tool/List': ANSWER_KINDS,
  'Tool/Detail': ANSWER_KINDS,
  'Tool/Explore': ANSWER_KINDS,
  task: [
    'fails',
    'error',
    'cancelled',
    'stuck',
    'ignoresKill',
    'outputsLate',
    'skipsStatuses',
    'lasts',
    'wrongSize',
    'wrongType',
  ],
  callback: ['lost', 'duplicated', 'delayed', 'premature', 'shape'],
  cdn: [
    'status',
    'notYet',
    'truncated',
    'reset',
    'stalled',
    'slow',
    'contentType',
    'chunked',
    'redirect',
    'ignoresRange',
    'page',
    'encoding',
    'otherSize',
  ],
  socket: ['refused', 'drops'],
};

/** @throws {TypeError} If the rule is invalid. */
export function parseFaultRule(input: unknown): FaultRule {
  const rule = asRecord(input, 'A fault rule');
  const kinds = Object.entries(KINDS).find(([operation]) => operation === rule.operation)?.[1];
  if (!kinds)
    throw new TypeError(
      `A fault rule's "operation" must be one of ${Object.keys(KINDS).join(', ')}, not ${JSON.stringify(rule.operation)}`,
    );
  const { kind } = asRecord(rule.fault, 'A fault rule\'s "fault"');
  if (typeof kind !== 'string' || !kinds.includes(kind))
    throw new TypeError(
      `A fault of "${rule.operation}" must be one of ${kinds.join(', ')}, not ${JSON.stringify(kind)}`,
    );
  if (rule.times !== undefined && !Number.isInteger(rule.times))
    throw new TypeError('A fault rule\'s "times" must be a whole number');
  if (rule.match !== undefined) asRecord(rule.match, 'A fault rule\'s "match"');
  return rule as unknown as FaultRule;
}

function asRecord(input: unknown, what: string): Record<string, unknown> {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new TypeError(`${what} must be a JSON object`);
  return input as Record<string, unknown>;
}
