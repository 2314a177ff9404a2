import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FUNCTIONS, type FunctionName } from '../../../functions/functions.ts';
import { generationId } from '../../../functions/request/identity.ts';
import { ENV } from '../../../functions/settings.ts';
import { LOCAL_REGION } from '../../../local/aws/credentials.ts';
import {
  createEventCheck,
  documentedProperties,
  EVENT_SCHEMAS,
  propertiesOf,
} from '../../events/event-schemas.ts';
import { FURTHER_BUCKET, INPUT_PREFIX, PRESETS, playEveryFlow } from '../../privilege/every-flow.ts';
import type { Right } from '../../privilege/needed-rights.ts';
import { recordRights } from '../../privilege/record-rights.ts';
import { startSystem } from '../../support/system.ts';
import { synthesize } from '../synthesize.ts';
import { covers, grantedRights } from './granted-rights.ts';

const NAMES = Object.keys(FUNCTIONS) as FunctionName[];
const MOST_A_DAY = 1_000;
const TOLD_BESIDES = {
  [ENV.furtherInputBuckets]: FURTHER_BUCKET,
  [ENV.inputPrefixes]: JSON.stringify([INPUT_PREFIX]),
};

/** Rights that no call of the run uses: Lambda does for a function, or the embedded services lack what they are for. */
const NOT_SEEN = [
  {
    right: /^s3:GetObjectVersion on /,
    for: 'reading inputs where a bucket keeps versions: the embedded S3 keeps none',
  },
  { right: /^logs:(CreateLogStream|PutLogEvents) on logs of \w+$/, for: 'writing what the function logs' },
  // X-Ray knows no resources.
  { right: /^xray:Put(TraceSegments|TelemetryRecords) on \*$/, for: 'tracing' },
  // SendMessage alone is used; CDK's `SqsDestination` grants the three together. The others change nothing.
  {
    right: /^sqs:(SendMessage|GetQueueAttributes|GetQueueUrl) on queue \w*DeadLetters\w*$/,
    for: 'keeping events that failed for good',
  },
];

const rights = recordRights(LOCAL_REGION);
afterAll(() => rights.stop());
/** What the functions were told, all together. */
const told: Record<string, string> = {};
/** Rights without which AWS answers otherwise, and a function does the same. */
const DISPENSABLE = [
  // Whether an output stands already: to `callback`, 403 means what 404 does.
  { of: 'callback', right: /^s3:ListBucket on \S+-outputs$/ },
];

const system = await startSystem({
  presets: PRESETS,
  // Never met, but counted.
  maximumGenerationsPerDay: MOST_A_DAY,
  // Each is a process that has to start; side by side, nothing more would be called.
  maximumEnvironments: 1,
  scheduleMs: 1_000,
  // The line moves when a task ends, not because somebody tries whether there is more room.
  durations: { limitProbe: 600_000 },
  endpointOverrides: async (name, environment) => {
    Object.assign(told, environment);
    return { ...TOLD_BESIDES, ...(await rights.endpointOverrides(name, environment)) };
  },
});
const SETTINGS = {
  furtherInputBuckets: FURTHER_BUCKET,
  presets: JSON.stringify(PRESETS),
  maximumGenerationsPerDay: String(MOST_A_DAY),
};
// Whatever lies under the prefix may be named in both: the functions call the same.
const TEMPLATES = [
  ['with inputs from anywhere', synthesize(SETTINGS)],
  ['with inputs from one prefix', synthesize({ ...SETTINGS, inputPrefixes: INPUT_PREFIX })],
] as const;

beforeAll(() => playEveryFlow(system, rights), 120_000);

const shown = ({ action, resource }: Right) => `${action} on ${resource}`;

describe.each(TEMPLATES)(
  'the rights of each function, in everything that the system does, %s',
  (_, template) => {
    const granted = (name: FunctionName) => grantedRights(template, name, told, LOCAL_REGION);

    it('are known for every call that was made', () => {
      expect(rights.problems()).toEqual([]);
    });

    it.each(NAMES)('allow every call of %s', (name) => {
      const given = granted(name);
      const denied = rights.of(name).filter((needed) => !given.some((right) => covers(right, needed)));

      const isDispensable = (line: string) =>
        DISPENSABLE.some(({ of, right }) => of === name && right.test(line));
      expect(denied.map(shown).filter((line) => !isDispensable(line))).toEqual([]);
    });

    it.each(NAMES)('are all used by %s, but for those that a run cannot show', (name) => {
      const used = rights.of(name);
      const unused = granted(name).filter((right) => !used.some((needed) => covers(right, needed)));

      expect(unused.map(shown).filter((one) => !NOT_SEEN.some(({ right }) => right.test(one)))).toEqual([]);
    });

    it('have no exception that nobody needs any more', () => {
      const all = NAMES.flatMap(granted).map(shown);

      expect(NOT_SEEN.filter(({ right }) => !all.some((one) => right.test(one)))).toEqual([]);
    });
  },
);

describe('the events on the bus, in everything that the system does', () => {
  const events = () => system.environment.events();
  const ofType = (type: string) => events().filter((event) => event['detail-type'] === type);

  it('are as they are documented, with nothing that is not', () => {
    const check = createEventCheck({ isStrict: true });
    const wrong = events().flatMap((event) =>
      check(event).map((problem) => `${event['detail-type']}: ${problem}`),
    );

    // Of the two requests that cannot be accepted, the other lacks a parameter that only its model asks for.
    expect([...new Set(wrong)].sort()).toEqual([
      `Generation Requested: /detail must NOT have additional properties {"additionalProperty":"unknown"}`,
    ]);
  });

  it.each([...EVENT_SCHEMAS])('show every property that is documented of %s', (type, schema) => {
    const shown = new Set(ofType(type).flatMap((event) => propertiesOf(event)));

    const hidden = documentedProperties(schema).filter((property) => !shown.has(property));
    // They take hundreds of outputs, and one that differs: test/events and test/system/task-ends show them.
    const rare = /^detail\.(outputsTotal|outputs\[\]\.differsFrom(\..*)?)$/;
    expect(hidden.filter((property) => !rare.test(property))).toEqual([]);
  });

  it('answer every request: accepted ones by their ends, the others by the id of the request', () => {
    const rejected = new Set(ofType('Generation Rejected').map(({ detail }) => detail.requestEventId));
    const ended = new Set(events().map(({ detail }) => detail.id));

    const unanswered = ofType('Generation Requested').filter(({ id, detail }) => {
      const { idempotencyKey: key } = detail;
      const identity = JSON.stringify(key === undefined ? ['event', id] : ['key', key]);
      return !rejected.has(id) && !ended.has(generationId('local', 'event', identity));
    });

    expect(rejected.size).toBe(2);
    expect(unanswered).toEqual([]);
  });

  it('say what their own attempt came to, also where the next had begun by the time they were told', () => {
    const failed = ofType('Generation Failed').map(({ detail }) => detail);
    const [late] = failed.filter(({ id, attempt }) =>
      events().some((other) => other.detail.id === id && Number(other.detail.attempt) > Number(attempt)),
    );

    expect(failed.filter(({ error, outputs }) => error === undefined || outputs === undefined)).toEqual([]);
    expect(late).toMatchObject({ attempt: 1, error: { code: 'model_failed' }, outputs: [] });
    expect(late).toHaveProperty('taskId');
  });
});
