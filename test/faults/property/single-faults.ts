import {
  API_FAULTS,
  BUS_FAULTS,
  CDN_FAULTS,
  DEADLY,
  DETAIL_FAULTS,
  INPUT_FAULTS,
  LIST_FAULTS,
  OUTPUT_FAULTS,
  RUN_FAULTS,
  STOP_FAULTS,
} from './arbitrary-script.ts';
import type { Course, Script, TaskStory } from './script.ts';
import { RIGHT_STORY } from './wiro.ts';

export interface NamedScript {
  readonly name: string;
  readonly script: Script;
}

const RIGHT = { kind: 'right' } as const;
const always = <T>(answer: T): Course<T> => ({ first: [], ever: [answer] });
const NONE = { kind: 'none' } as const;

/** Nothing goes wrong: one generation with an input of its own. */
export const RIGHT_SCRIPT: Script = {
  seed: 1,
  generations: [{ door: 'api', input: 'object', afterSeconds: 0 }],
  handover: 'upload',
  limit: undefined,
  maximumCollects: undefined,
  strangers: 'none',
  run: always(RIGHT),
  detail: always(RIGHT),
  list: always(RIGHT),
  cancel: always(RIGHT),
  kill: always(RIGHT),
  upload: always(RIGHT),
  tool: always(RIGHT),
  tasks: always(RIGHT_STORY),
  cdn: always(RIGHT),
  readInput: always(RIGHT),
  putOutput: always(RIGHT),
  results: 'right',
  bus: always('right'),
  parameters: always('right'),
  invoke: [],
  table: [],
  kills: { submit: always(NONE), callback: always(NONE), others: [] },
};

const BOTH: Script['generations'] = [
  { door: 'api', input: 'none', afterSeconds: 0 },
  { door: 'api', input: 'none', afterSeconds: 1 },
];

/** More than a submission without inputs makes. */
const CALLS = Array.from({ length: 20 }, (_, index) => index + 1);

/** Each fault by itself, and for ever: what nobody outside may prolong. */
export function singleFaults(): readonly NamedScript[] {
  const story = (given: Partial<TaskStory>) => always({ ...RIGHT_STORY, ...given });
  const stuck = story({ end: 'stuck', callback: 'lost' });
  const one = <T>(operation: string, faults: readonly T[], change: (fault: T) => Partial<Script>) =>
    faults.map((fault) => ({
      name: `${operation}: ${typeof fault === 'string' ? fault : JSON.stringify(fault)}`,
      script: { ...RIGHT_SCRIPT, ...change(fault) },
    }));
  const stories: readonly Partial<TaskStory>[] = [
    ...(['fails', 'cancelled', 'errs', 'errsThenSucceeds', 'errsThenFails'] as const).map((end) => ({ end })),
    { end: 'errs', takesKill: false },
    ...(['task_queue', 'task_accept', 'task_start', 'task_end'] as const).flatMap((stuckAt) => [
      { end: 'stuck' as const, stuckAt },
      { end: 'stuck' as const, stuckAt, takesKill: false },
    ]),
    ...(['two', 'none', 'late', 'raw', 'strangeUrl'] as const).map((outputs) => ({ outputs })),
    ...(['lost', 'late', 'twice', 'early', 'empty', 'garbage'] as const).map((callback) => ({ callback })),
  ];
  return [
    { name: 'nothing', script: RIGHT_SCRIPT },
    ...one('Run', RUN_FAULTS, (fault) => ({ run: always(fault) })),
    ...one('Task/Detail', DETAIL_FAULTS, (fault) => ({ detail: always(fault) })),
    // A search needs something to search for.
    ...one('Task/List', LIST_FAULTS, (fault) => ({
      list: always(fault),
      run: always({ kind: 'reset', work: 'done' }),
      tasks: story({ callback: 'lost' }),
    })),
    ...one('Task/Cancel', STOP_FAULTS, (fault) => ({ cancel: always(fault), tasks: stuck })),
    ...one('Task/Kill', STOP_FAULTS, (fault) => ({ kill: always(fault), tasks: stuck })),
    ...one('File/Upload', API_FAULTS, (fault) => ({ upload: always(fault) })),
    ...one('Tool/Detail', API_FAULTS.slice(0, 6), (fault) => ({ tool: always(fault) })),
    ...one('task', stories, (fault) => ({ tasks: story(fault) })),
    ...one('CDN', CDN_FAULTS, (fault) => ({ cdn: always(fault) })),
    ...one('input', INPUT_FAULTS, (fault) => ({ readInput: always(fault) })),
    ...one('output', OUTPUT_FAULTS, (fault) => ({ putOutput: always(fault) })),
    ...one('bus', BUS_FAULTS, (fault) => ({ bus: always(fault) })),
    ...one('strangers', ['ordinary', 'withoutUrl', 'forged'] as const, (strangers) => ({
      strangers,
      run: always({ kind: 'reset', work: 'never' }),
    })),
    ...one('strangers, and a lost task', ['ordinary', 'withoutUrl', 'forged'] as const, (strangers) => ({
      strangers,
      run: always({ kind: 'reset', work: 'done' }),
      tasks: story({ callback: 'lost' }),
    })),
    ...one('handover', ['auto', 'presigned'] as const, (handover) => ({ handover })),
    ...one('auto, File/Upload', API_FAULTS, (fault) => ({ handover: 'auto', upload: always(fault) })),
    ...one('results', ['notJson', 'huge'] as const, (results) => ({
      results,
      generations: [{ door: 'file', input: 'none', afterSeconds: 0 }],
    })),
    ...one('line that never moves', ['limit 1'], () => ({
      limit: 1,
      tasks: story({ end: 'stuck', callback: 'lost', takesKill: false }),
      generations: BOTH,
    })),
    ...one('limit', [1], (limit) => ({
      limit,
      tasks: stuck,
      generations: BOTH,
    })),
    // They come and go by turns, and none gets any further.
    ...one('copies of one at once, CDN', CDN_FAULTS, (fault) => ({
      maximumCollects: 1,
      cdn: always(fault),
      generations: BOTH,
    })),
    ...one('copies of one at once, callback killed at', DEADLY, (operation) => ({
      maximumCollects: 1,
      generations: BOTH,
      kills: { ...RIGHT_SCRIPT.kills, callback: always({ kind: 'at', operation, isDelivered: true }) },
    })),
    ...one('submit killed at', DEADLY.slice(0, 4), (operation) => ({
      kills: { ...RIGHT_SCRIPT.kills, submit: always({ kind: 'at', operation, isDelivered: true }) },
    })),
    // At whichever call: what a submission leaves behind that ended its generation and lived no longer. Lambda's two
    // repetitions die at once.
    ...one('Run refused, and submit killed at call', CALLS, (call) => ({
      generations: [{ door: 'api', input: 'none', afterSeconds: 0 }],
      run: always({ kind: 'refused', code: 97, message: 'insufficient balance', work: 'never' }),
      kills: {
        ...RIGHT_SCRIPT.kills,
        submit: {
          first: [call, 1, 1].map((nth) => ({ kind: 'nth', call: nth, isDelivered: false }) as const),
          ever: [NONE],
        },
      },
    })),
    ...one('callback killed at', DEADLY, (operation) => ({
      kills: { ...RIGHT_SCRIPT.kills, callback: always({ kind: 'at', operation, isDelivered: true }) },
    })),
  ];
}
