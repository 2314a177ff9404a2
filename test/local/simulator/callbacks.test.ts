import { describe, expect, it } from 'vitest';
import type { CallbackFault } from '../../../local/simulator/fault-rules.ts';
import { eventually, startReceiver, startWorld } from './world.ts';

describe('a callback', () => {
  it('contains the same JSON as Task/Detail', async () => {
    const { run, call } = await startWorld();
    const { url, received } = await startReceiver();

    const taskid = await run({ callbackUrl: url });
    await eventually(() => received.length === 1);

    expect(received[0]?.contentType).toBe('application/json');
    expect(JSON.parse(received[0]?.text ?? '')).toEqual(await call('Task/Detail', { taskid }));
  });

  it.each([
    ['once if the response is 200', [], ['delivered']],
    ['again if it is not', [500, 204], ['refused', 'refused', 'delivered']],
    ['at most three times', [500, 403, 302], ['refused', 'refused', 'refused']],
  ])('is sent %s', async (_, statuses, outcomes) => {
    const { simulator, run } = await startWorld();
    const { url } = await startReceiver(...statuses);

    // The task record has the lower-case name.
    await run({ callbackurl: url });
    await eventually(() => simulator.callbacks().length === outcomes.length);

    expect(simulator.callbacks().map(({ outcome }) => outcome)).toEqual(outcomes);
    expect(simulator.callbacks().map(({ attempt }) => attempt)).toEqual(
      outcomes.map((_, index) => index + 1),
    );
  });

  it('is abandoned if the URL is unreachable', async () => {
    const { simulator, run } = await startWorld();

    await run({ callbackUrl: 'http://127.0.0.1:1/nobody' });
    await eventually(() => simulator.callbacks().length === 3);

    expect(simulator.callbacks().map(({ outcome }) => outcome)).toEqual(Array(3).fill('unreachable'));
  });
});

describe('a callback with a fault', () => {
  it('is lost', async () => {
    const { simulator, run } = await startWorld();
    const { url, received } = await startReceiver();
    simulator.faults.add({ operation: 'callback', times: 1, fault: { kind: 'lost' } });

    await run({ callbackUrl: `${url}/1` });
    await eventually(() => simulator.callbacks().length === 1);
    await run({ callbackUrl: `${url}/2` });
    await eventually(() => simulator.callbacks().length === 2);

    expect(simulator.callbacks().map(({ outcome }) => outcome)).toEqual(['lost', 'delivered']);
    expect(received).toHaveLength(1);
  });

  it('comes several times', async () => {
    const { simulator, run } = await startWorld();
    const { url, received } = await startReceiver();
    simulator.faults.add({ operation: 'callback', fault: { kind: 'duplicated', times: 3, gapMs: 100 } });

    await run({ callbackUrl: url });
    await eventually(() => received.length === 3);

    expect(new Set(received.map(({ text }) => text)).size).toBe(1);
  });

  it('comes late', async () => {
    const { simulator, run, ended } = await startWorld({ durationDivisor: 10 });
    const { url } = await startReceiver();
    simulator.faults.add({ operation: 'callback', fault: { kind: 'delayed', delayMs: 1_000 } });

    const { endedAt = 0 } = await ended(await run({ callbackUrl: url, prompt: 'x' }));
    const delivery = await eventually(() => simulator.callbacks()[0]);

    // Node's timers may fire a millisecond early.
    expect(delivery.sentAt - endedAt).toBeGreaterThanOrEqual(99);
  });

  it('comes before the response of Run, while the task is queued or over', async () => {
    const { simulator, run } = await startWorld();
    const { url, received } = await startReceiver();
    simulator.faults.add({ operation: 'callback', times: 1, fault: { kind: 'premature' } });

    await run({ callbackUrl: url });
    const early = received[0]?.text ?? '';
    await eventually(() => received.length === 2);
    simulator.faults.add({ operation: 'Run', fault: { kind: 'afterCallback' } });
    await run({ callbackUrl: url });

    expect(JSON.parse(early).tasklist[0].status).toBe('task_queue');
    expect(received).toHaveLength(3);
    expect(JSON.parse(received[2]?.text ?? '').tasklist[0].status).toBe('task_postprocess_end');
  });

  it.each<[CallbackFault & { kind: 'shape' }, string, RegExp]>([
    [{ kind: 'shape', shape: 'bareTask' }, 'application/json', /^\{"id":"\d+",.*"pexit":"0"/],
    [{ kind: 'shape', shape: 'tasklist' }, 'application/json', /^\{"tasklist":\[\{"id"/],
    [{ kind: 'shape', shape: 'ids' }, 'application/json', /^\{"taskid":"\d+","socketaccesstoken":"\w{30}"/],
    [{ kind: 'shape', shape: 'form' }, 'application/x-www-form-urlencoded', /^taskid=\d+&socketaccesstoken=/],
    [{ kind: 'shape', shape: 'empty' }, 'application/json', /^$/],
    [{ kind: 'shape', shape: 'garbage' }, 'application/json', /^\{"tasklist":\[\{"id":"$/],
    [{ kind: 'shape', shape: 'detail', contentType: 'text/plain' }, 'text/plain', /^\{"total":"1"/],
  ])('has another shape: %j', async (fault, contentType, text) => {
    const { simulator, run } = await startWorld();
    const { url, received } = await startReceiver();
    simulator.faults.add({ operation: 'callback', fault });

    await run({ callbackUrl: url });
    const callback = await eventually(() => received[0]);

    expect(callback).toEqual({ contentType, text: expect.stringMatching(text) });
  });
});
