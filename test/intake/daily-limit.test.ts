import { beforeAll, describe, expect, it } from 'vitest';
import type { GenerationRecord } from '../../functions/api/record.ts';
import { eventually } from '../support/eventually.ts';
import { picture } from '../support/pictures.ts';
import { type ApiAnswer, startSystem } from '../support/system.ts';

const system = await startSystem({
  maximumGenerationsPerDay: 10,
  maximumEnvironments: 2,
  presets: { portraits: { model: 'wiro/image-to-image', fileParameter: 'inputImage' } },
});
const request = (idempotencyKey: string) => ({
  model: 'wiro/text-to-image',
  parameters: { prompt: 'A lake' },
  idempotencyKey,
});
const SENTENCE =
  "This deployment accepts 10 new generations a day \\(UTC\\), and today's are used up: try again after \\d{4}-\\d\\d-\\d\\dT00:00:00\\.000Z\\.";
const limitReached = (ending = '') => ({
  code: 'daily_limit_reached',
  message: expect.stringMatching(new RegExp(`^${SENTENCE}${ending}$`)),
  retryable: true,
});
const LIMIT_REACHED = limitReached(' Nothing was run or charged\\.');
const RETRY_REFUSED = limitReached(' This retry started nothing and costs nothing\\.');
/** Places that say elsewhere what the refusal means for money. */
const BARE_LIMIT_REACHED = limitReached();

const { retryable: _, ...PROBLEM } = BARE_LIMIT_REACHED;

/** Requests one generation that fails at Wiro, and forty-nine others, all at once. */
let answers: readonly ApiAnswer[];
const failing = system.plan({ operation: 'task', fault: { kind: 'fails', message: 'No face found' } });
const keys = [failing.idempotencyKey, ...Array.from({ length: 49 }, (_, n) => `key-${n}`)];
beforeAll(async () => {
  const { id } = await system.submit(request(failing.idempotencyKey));
  await system.ended(id);
  answers = await Promise.all(keys.map((key) => system.post(request(key))));
});

// A test that starts a minute before midnight would span two days.
const isLate = new Date(Date.now() + 60_000).getUTCDate() !== new Date().getUTCDate();

describe.skipIf(isLate)('a deployment that accepts ten generations a day', () => {
  it('accepts exactly ten of fifty at once, and says when it accepts again', () => {
    const refused = answers.filter(({ status }) => status !== 202);

    expect(answers.filter(({ status }) => status === 202)).toHaveLength(10);
    expect(refused.map(({ status, body }) => [status, body])).toEqual(
      Array.from({ length: 40 }, () => [429, { error: { ...LIMIT_REACHED, problems: [PROBLEM] } }]),
    );
    for (const { headers } of refused) {
      const seconds = Number(headers.get('retry-after'));
      const opensAt = new Date(Date.now() + seconds * 1_000);
      expect([opensAt.getUTCHours(), opensAt.getUTCMinutes()]).toEqual([0, 0]);
    }
  });

  it('runs the ten and nothing of the others', async () => {
    const accepted = answers.flatMap(({ status, body }) =>
      status === 202 ? [body as GenerationRecord] : [],
    );

    const ends = await Promise.all(accepted.map(({ id }) => system.ended(id)));

    expect(ends.map(({ status }) => status).toSorted()).toEqual(['failed', ...Array(9).fill('succeeded')]);
    expect(system.simulator.tasks()).toHaveLength(10);
  });

  it('still answers requests that it has accepted', async () => {
    const accepted = keys.filter((_, n) => answers[n]?.status === 202);

    const again = await Promise.all(accepted.map((key) => system.post(request(key))));

    expect(again.map(({ status }) => status)).toEqual(Array(10).fill(202));
  });

  it('counts a retry that runs again', async () => {
    const answer = await system.call('POST', `/generations/${failing.id}/retry`);

    expect(answer).toMatchObject({ status: 429, body: { error: RETRY_REFUSED } });
    expect(await system.read(failing.id)).toMatchObject({ status: 'failed', attempt: 1 });
  });

  it('rejects a request file with the reason, and accepts nothing of it', async () => {
    await system.put('requests/batch.json', JSON.stringify([request('file-1')]));

    const rejected = await eventually('the rejection', () => system.object('rejected/batch.json'));

    expect(JSON.parse(String(rejected.bytes))).toMatchObject({
      message: expect.stringMatching(/^Nothing of this file was run or charged\./),
      errors: [BARE_LIMIT_REACHED],
    });
  });

  it('writes that into the folder of the outputs of a dropped file', async () => {
    const { outputBucket } = system.environment.endpoints;
    await system.put('uploads/portraits/one.png', picture(1), 'image/png');

    const key = await eventually('the result', async () =>
      (await system.keys(outputBucket, 'outputs/portraits/')).find((name) =>
        /-one\.png-[a-z2-7]{6}\/result\.json$/.test(name),
      ),
    );

    expect(JSON.parse(String((await system.object(key, outputBucket))?.bytes))).toMatchObject({
      status: 'rejected',
      message: expect.stringMatching(/^This file was not used, and nothing was charged\. This deployment/),
      error: BARE_LIMIT_REACHED,
    });
  });

  it('answers a requested event by Generation Rejected', async () => {
    const { idempotencyKey: _, ...detail } = request('');
    await system.environment.invoke('submit', {
      version: '0',
      id: 'event-1',
      source: 'my.app',
      'detail-type': 'Generation Requested',
      detail,
    });

    const rejected = system.environment
      .events()
      .filter((event) => event['detail-type'] === 'Generation Rejected');

    expect(rejected.map(({ detail: { requestEventId, error } }) => [requestEventId, error])).toEqual([
      ['event-1', { ...LIMIT_REACHED, problems: [PROBLEM] }],
    ]);
  });
});
