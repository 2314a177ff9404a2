import { createHmac } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { CallbackShape } from '../../local/simulator/fault-rules.ts';
import { eventually } from '../support/eventually.ts';
import { type PlannedFault, startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

// Without the schedule: what ends here was ended by its callback alone.
const system = await startSystem({ schedule: false });
const { environment, simulator } = system;
const secret = await system.parameter('callback-secret');

const SHAPES: readonly CallbackShape[] = [
  'detail',
  'tasklist',
  'bareTask',
  'ids',
  'form',
  'empty',
  'garbage',
];

async function submitted(...faults: readonly PlannedFault[]): Promise<string> {
  const { idempotencyKey, id } = system.plan(...faults);
  await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A hill' }, idempotencyKey });
  return id;
}

/** A generation whose task goes on until it is killed. */
async function running(): Promise<string> {
  const id = await submitted({ operation: 'task', fault: { kind: 'stuck' } });
  await system.reached(id, ({ status }) => status === 'running');
  await environment.idle();
  return id;
}

/** The path of a callback URL, as anybody with the secret can make it. */
function signedPath(id: string, { attempt = 1, deployment = 'local', key = secret } = {}): string {
  const path = `${deployment}/${id}/${attempt}`;
  return `/${path}/${createHmac('sha256', key).update(path).digest('hex')}`;
}

const callBack = (path: string, init: RequestInit = {}) =>
  fetch(environment.endpoints.callback + path, { method: 'POST', body: '{}', ...init });

describe('a callback ends its generation', () => {
  it.concurrent.for(SHAPES)('in the shape "%s"', async (shape, { expect }) => {
    const id = await submitted({ operation: 'callback', fault: { kind: 'shape', shape } });

    expect(await system.ended(id)).toMatchObject({ status: 'succeeded', outputs: [{ name: '0.png' }] });
    // Its answer may be on its way yet.
    await eventually('a delivery', () => deliveriesFor(id).length > 0);
    expect(deliveriesFor(id)).toEqual([[1, 200]]);
  });

  it.concurrent('that comes before the answer of Run', async ({ expect }) => {
    const id = await submitted({ operation: 'Run', fault: { kind: 'afterCallback' } });

    expect(await system.ended(id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(system.tasksOf(id)).toHaveLength(1);
  });

  it.concurrent('that comes while the task is queued, and again when it is over', async ({ expect }) => {
    const id = await submitted({ operation: 'callback', fault: { kind: 'premature' } });

    expect(await system.ended(id)).toMatchObject({ status: 'succeeded' });
    await eventually('two deliveries', () => deliveriesFor(id).length > 1);

    expect(deliveriesFor(id)).toEqual([
      [1, 200],
      [1, 200],
    ]);
  });

  it.concurrent('that comes three times, once', async ({ expect }) => {
    const id = await submitted({ operation: 'callback', fault: { kind: 'duplicated', times: 3 } });

    expect(await system.ended(id)).toMatchObject({ status: 'succeeded' });
    await eventually('three deliveries', () => deliveriesFor(id).length === 3);

    expect(deliveriesFor(id)).toEqual([
      [1, 200],
      [1, 200],
      [1, 200],
    ]);
    expect(statusesToldOf(id)).toEqual(['running', 'succeeded']);
  });

  it.concurrent('that comes late', async ({ expect }) => {
    const id = await submitted({ operation: 'callback', fault: { kind: 'delayed', delayMs: 30_000 } });
    await eventually('the end of the task', () => system.tasksOf(id)[0]?.isOver);

    expect(await system.ended(id)).toMatchObject({ status: 'succeeded' });
  });
});

describe('a callback that comes too late', () => {
  it('is answered 200 and changes nothing', async () => {
    const id = await submitted();
    await system.ended(id);
    const before = await system.item(id);

    const answers = await Promise.all([1, 2, 3].map(() => callBack(signedPath(id))));
    await environment.idle();

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await system.item(id)).toEqual(before);
    expect(statusesToldOf(id)).toEqual(['running', 'succeeded']);
  });

  it('of a generation that nobody knows is answered 200 and makes none', async () => {
    const id = 'a'.repeat(26);

    const { status } = await callBack(signedPath(id));

    expect([status, await system.item(id)]).toEqual([200, undefined]);
  });

  it('of another attempt is answered 200 and changes nothing', async () => {
    const id = await running();
    const before = await system.item(id);

    const { status } = await callBack(signedPath(id, { attempt: 2 }));
    await environment.idle();

    expect([status, await system.item(id)]).toEqual([200, before]);
  });
});

describe('a request that is no callback of ours', () => {
  it('is answered 403, and nothing changes', async () => {
    const id = await running();
    const before = await system.item(id);
    const path = signedPath(id);
    const forged = {
      otherSecret: signedPath(id, { key: 'a guess' }),
      otherDeployment: signedPath(id, { deployment: 'elsewhere' }),
      otherGeneration: path.replace(id, `${id.startsWith('b') ? 'c' : 'b'}${id.slice(1)}`),
      otherAttempt: path.replace('/1/', '/2/'),
      noSignature: path.slice(0, path.lastIndexOf('/')),
      emptySignature: path.slice(0, path.lastIndexOf('/') + 1),
      truncated: path.slice(0, -1),
      longer: `${path}0`,
      upperCase: path.replace(/[0-9a-f]+$/, (signature) => signature.toUpperCase()),
      deeper: `${path}/more`,
      root: '/',
      long: `/${'a'.repeat(5_000)}`,
    };

    const answers = await Promise.all(
      Object.entries(forged).map(async ([what, forgedPath]) => [what, (await callBack(forgedPath)).status]),
    );
    await environment.idle();

    expect(Object.fromEntries(answers)).toEqual(
      Object.fromEntries(Object.keys(forged).map((what) => [what, 403])),
    );
    expect(await system.item(id)).toEqual(before);
  });

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('by %s is not taken for one', async (method) => {
    const id = await running();
    const before = await system.item(id);

    const { status } = await callBack(signedPath(id), { method, body: null });
    await environment.idle();

    expect([status, await system.item(id)]).toEqual([405, before]);
  });
});

describe('a callback that only claims that the task is over', () => {
  it('is noted, and the task decides', async () => {
    const id = await running();

    const answer = await callBack(signedPath(id), {
      body: JSON.stringify({ status: 'task_postprocess_end', pexit: '0', outputs: [] }),
    });
    await environment.idle();

    expect(answer.status).toBe(200);
    expect(await system.read(id)).toMatchObject({ status: 'running', outputs: [] });
  });

  it('is answered 200 however large and strange its body is', async () => {
    const id = await running();

    const answers = await Promise.all(
      ['x'.repeat(3_000_000), '\0', '[[[[[[[[', '{"taskid":{}}'].map((body) =>
        callBack(signedPath(id), { body }),
      ),
    );
    await environment.idle();

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await system.read(id)).toMatchObject({ status: 'running' });
  });
});

describe('without a callback', () => {
  it('reconcile finds the end', async () => {
    const id = await submitted({ operation: 'callback', fault: { kind: 'lost' } });
    await eventually('the end of the task', () => system.tasksOf(id)[0]?.isOver);
    await environment.idle();
    expect(await system.read(id)).toMatchObject({ status: 'running' });

    await eventually('a look that finds the end', async () => {
      await environment.invoke('reconcile', {});
      await environment.idle();
      return (await system.read(id)).status === 'succeeded';
    });

    expect(await system.ended(id)).toMatchObject({ status: 'succeeded', outputs: [{ name: '0.png' }] });
  });
});

/** Attempt and answer of every callback that was sent for a generation. */
const deliveriesFor = (id: string) =>
  simulator
    .callbacks()
    .filter(({ url }) => url.includes(`/${id}/`))
    .map(({ attempt, httpStatus }) => [attempt, httpStatus]);

const statusesToldOf = (id: string) => system.eventsOf(id).map(({ detail }) => detail.status);
