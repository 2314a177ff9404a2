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
import { FURTHER_BUCKET, INPUT_PREFIXES, PRESETS, playEveryFlow } from '../../privilege/every-flow.ts';
import type { Right } from '../../privilege/needed-rights.ts';
import { recordRights } from '../../privilege/record-rights.ts';
import { startSystem } from '../../support/system.ts';
import { synthesize } from '../synthesize.ts';
import { covers, grantedRights } from './granted-rights.ts';

const NAMES = Object.keys(FUNCTIONS) as FunctionName[];
const MOST_A_DAY = 1_000;
const MORE_SETTINGS = {
  [ENV.furtherInputBuckets]: FURTHER_BUCKET,
  [ENV.inputPrefixes]: JSON.stringify(INPUT_PREFIXES),
};

/** Rights that no call in the run uses. Lambda itself uses them, or the embedded services lack the feature. */
const NOT_SEEN = [
  {
    right: /^s3:GetObjectVersion on /,
    for: 'reading inputs from a bucket with versions, which the embedded S3 does not support',
  },
  { right: /^logs:(CreateLogStream|PutLogEvents) on logs of \w+$/, for: 'writing logs' },
  // X-Ray has no resources.
  { right: /^xray:Put(TraceSegments|TelemetryRecords) on \*$/, for: 'tracing' },
  // Only SendMessage is used. CDK's `SqsDestination` also grants the other two, which change nothing.
  {
    right: /^sqs:(SendMessage|GetQueueAttributes|GetQueueUrl) on queue \w*DeadLetters\w*$/,
    for: 'keeping events that failed every try',
  },
];

const rights = recordRights(LOCAL_REGION);
afterAll(() => rights.stop());
/** The environment variables of all functions. */
const variables: Record<string, string> = {};
/** Missing rights that change AWS's answer but not what the function does. */
const DISPENSABLE = [
  // `callback` treats 403 like 404 when it checks whether an output exists.
  { of: 'callback', right: /^s3:ListBucket on \S+-outputs$/ },
];

const system = await startSystem({
  presets: PRESETS,
  // Never reached, but the functions count towards it.
  maximumGenerationsPerDay: MOST_A_DAY,
  // Each environment is a process that takes time to start. More of them would make no other calls.
  maximumEnvironments: 1,
  scheduleMs: 1_000,
  // The line only moves when a task ends, not because a probe tries for more room.
  durations: { limitProbe: 600_000 },
  endpointOverrides: async (name, environment) => {
    Object.assign(variables, environment);
    return { ...MORE_SETTINGS, ...(await rights.endpointOverrides(name, environment)) };
  },
});
const SETTINGS = {
  furtherInputBuckets: FURTHER_BUCKET,
  presets: JSON.stringify(PRESETS),
  maximumGenerationsPerDay: String(MOST_A_DAY),
};
// All inputs of the run lie under the prefix, so the functions make the same calls with both templates.
const TEMPLATES = [
  ['with inputs from anywhere', synthesize(SETTINGS)],
  ['with inputs from two prefixes', synthesize({ ...SETTINGS, inputPrefixes: INPUT_PREFIXES.join(',') })],
] as const;

beforeAll(() => playEveryFlow(system, rights), 120_000);

const shown = ({ action, resource }: Right) => `${action} on ${resource}`;

describe.each(TEMPLATES)('the rights of each function, %s', (_, template) => {
  const granted = (name: FunctionName) => grantedRights(template, name, variables, LOCAL_REGION);

  it('are known for every call in the run', () => {
    expect(rights.problems()).toEqual([]);
  });

  it.each(NAMES)('allow every call of %s', (name) => {
    const given = granted(name);
    const denied = rights.of(name).filter((needed) => !given.some((right) => covers(right, needed)));

    const isDispensable = (line: string) =>
      DISPENSABLE.some(({ of, right }) => of === name && right.test(line));
    expect(denied.map(shown).filter((line) => !isDispensable(line))).toEqual([]);
  });

  it.each(NAMES)('are all used by %s, except those that a run cannot show', (name) => {
    const used = rights.of(name);
    const unused = granted(name).filter((right) => !used.some((needed) => covers(right, needed)));

    expect(unused.map(shown).filter((one) => !NOT_SEEN.some(({ right }) => right.test(one)))).toEqual([]);
  });

  it('have no unused exception', () => {
    const all = NAMES.flatMap(granted).map(shown);

    expect(NOT_SEEN.filter(({ right }) => !all.some((one) => right.test(one)))).toEqual([]);
  });
});

describe('the events on the bus', () => {
  const events = () => system.environment.events();
  const ofType = (type: string) => events().filter((event) => event['detail-type'] === type);

  it('match their schemas and contain nothing undocumented', () => {
    const check = createEventCheck({ isStrict: true });
    const wrong = events().flatMap((event) =>
      check(event).map((problem) => `${event['detail-type']}: ${problem}`),
    );

    // Two requests cannot be accepted. The schema accepts the other one, whose missing parameter only its model requires.
    expect([...new Set(wrong)].sort()).toEqual([
      `Generation Requested: /detail must NOT have additional properties {"additionalProperty":"unknown"}`,
    ]);
  });

  it.each([...EVENT_SCHEMAS])('show every documented property of %s', (type, schema) => {
    const shown = new Set(ofType(type).flatMap((event) => propertiesOf(event)));

    const hidden = documentedProperties(schema).filter((property) => !shown.has(property));
    // These need hundreds of outputs or one that differs. test/events and test/system/task-ends cover them.
    const rare = /^detail\.(outputsTotal|outputs\[\]\.differsFrom(\..*)?)$/;
    expect(hidden.filter((property) => !rare.test(property))).toEqual([]);
  });

  it('answer every request: accepted ones with an end, the others with the request event’s id', () => {
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

  it('describe their own attempt, even if the next one has begun before they are published', () => {
    const failed = ofType('Generation Failed').map(({ detail }) => detail);
    const [late] = failed.filter(({ id, attempt }) =>
      events().some((other) => other.detail.id === id && Number(other.detail.attempt) > Number(attempt)),
    );

    expect(failed.filter(({ error, outputs }) => error === undefined || outputs === undefined)).toEqual([]);
    expect(late).toMatchObject({ attempt: 1, error: { code: 'model_failed' }, outputs: [] });
    expect(late).toHaveProperty('taskId');
  });
});
