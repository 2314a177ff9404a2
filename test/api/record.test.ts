import { describe, expect, it, vi } from 'vitest';
import { toRecord } from '../../functions/api/record.ts';
import type { WaitNotes } from '../../functions/api/waiting-for.ts';
import type { Generation, Output, Trouble } from '../../functions/generation/generation.ts';
import type { AcceptedRequest } from '../../functions/request/accepted-request.ts';
import { log } from '../../functions/runtime/log.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { at, EXAMPLES } from '../generation/examples.ts';

const request: AcceptedRequest = {
  model: 'wiro/flux',
  parameters: { prompt: 'a cat' },
  inputs: {
    image: [
      { kind: 'object', text: 'a.png', bucket: 'photos', key: 'a.png', etag: '"1"', sizeBytes: 3 },
      { kind: 'url', text: 'https://a.b/c.png', url: 'https://a.b/c.png' },
    ],
    mask: [{ kind: 'url', text: 'https://a.b/m.png', url: 'https://a.b/m.png' }],
  },
  labels: {},
};
const output: Output = {
  name: 'cat.png',
  bucket: 'outputs',
  key: 'outputs/x/1/0-cat.png',
  contentType: 'image/png',
  sizeBytes: 3,
  sha256: 'abc',
};
const deps = {
  ahead: async () => 3,
  durations: DURATIONS,
  clock: () => new Date(at(20)),
  socketUrl: 'wss://socket.wiro.ai/v1',
  presign: async ({ key }: Output) => ({ url: `https://s3/${key}?signed`, expiresAt: at(900) }),
};
const record = (
  generation: Generation,
  outputs: readonly Output[] = [],
  over: Partial<AcceptedRequest> = {},
  notes: WaitNotes = {},
) =>
  toRecord(deps, {
    generation,
    request: { ...request, ...over },
    outputs,
    pastAttempts: generation.pastAttempts,
    notes,
  });

describe('the record of a generation', () => {
  it('says that its large request was deleted', async () => {
    const gone = { model: 'wiro/flux', parameters: {}, inputs: {}, labels: {}, isGone: true } as const;
    const answer = await toRecord(deps, {
      generation: EXAMPLES.waiting,
      request: gone,
      outputs: [],
      pastAttempts: [],
      notes: {},
    });

    expect(answer).toMatchObject({ requestGone: true, parameters: {} });
    expect(await record(EXAMPLES.waiting)).not.toHaveProperty('requestGone');
  });

  it('says how inputs went to Wiro while it refused uploads, and whether they were pinned', async () => {
    const linked = await toRecord(deps, {
      generation: EXAMPLES.running,
      request,
      outputs: [],
      pastAttempts: [],
      notes: { handover: { by: 'presigned', isPinned: false } },
    });

    expect(linked).toMatchObject({ inputHandover: { by: 'presigned', pinned: false } });
    expect(await record(EXAMPLES.running)).not.toHaveProperty('inputHandover');
  });

  it('shows a waiting generation with its request as written, and nothing of how it is stored', async () => {
    expect(await record(EXAMPLES.waiting)).toEqual({
      id: 'abcdefghijklmnopqrstuvwxyz',
      model: 'wiro/flux',
      status: 'queued',
      attempt: 1,
      parameters: { prompt: 'a cat' },
      inputs: { image: ['a.png', 'https://a.b/c.png'], mask: 'https://a.b/m.png' },
      waitingFor: {
        what: 'slot',
        message:
          'It has waited in line for a slot at Wiro since 2026-01-01T12:00:00.000Z. Generations ahead of it: 3. Its turn comes when a task ends. If it is still in line at 2026-01-08T12:00:00.000Z, it fails, and nothing is charged.',
        since: at(0),
        tries: 0,
        nextTryAt: at(604_800),
        ahead: 3,
      },
      outputs: [],
      createdAt: at(0),
      updatedAt: at(0),
    });
  });

  it('says how to follow a running task', async () => {
    expect(await record(EXAMPLES.running)).toMatchObject({
      taskId: 'task-1',
      progress: { socketUrl: 'wss://socket.wiro.ai/v1', token: 'token-1' },
    });
  });

  const unavailable: Trouble = {
    since: at(5),
    firstAt: { output_unavailable: at(5) },
    count: 4,
    code: 'output_unavailable',
    message: "Output 0 is not at Wiro's CDN yet.",
  };
  it.each<[string, Generation]>([
    ['are copied', EXAMPLES.collecting],
    ['could not be had yet', { ...EXAMPLES.running, trouble: unavailable }],
    [
      'could not be had, before Wiro could not be asked either',
      {
        ...EXAMPLES.running,
        trouble: {
          ...unavailable,
          code: 'upstream_unavailable',
          firstAt: { ...unavailable.firstAt, upstream_unavailable: at(9) },
        },
      },
    ],
    ['are not shown yet by a task that ended', { ...EXAMPLES.running, emptyReads: 1 }],
  ])('shows a generation whose outputs %s as collecting, without progress', async (_, example) => {
    const shown = await record(example);

    expect(shown).toMatchObject({ status: 'collecting', taskId: 'task-1', waitingFor: { what: 'outputs' } });
    expect(shown).not.toHaveProperty('progress');
  });

  it('is complete even if the generations ahead cannot be counted', async () => {
    vi.spyOn(log, 'warn').mockReturnValue(undefined);
    const ahead = () => Promise.reject(new Error('throttled'));
    const given = { generation: EXAMPLES.waiting, request, outputs: [], pastAttempts: [], notes: {} };

    const shown = await toRecord({ ...deps, ahead }, given);

    expect(shown.waitingFor).toMatchObject({ what: 'slot', nextTryAt: at(604_800) });
    expect(shown.waitingFor).not.toHaveProperty('ahead');
  });

  it('shows no progress for a task without a token', async () => {
    expect(await record({ ...EXAMPLES.running, task: { id: 'task-1' } })).not.toHaveProperty('progress');
  });

  it('shows a succeeded generation with its outputs and cost, and without a token', async () => {
    const done = await record({ ...EXAMPLES.succeeded, elapsedSeconds: 12.5 }, [output], {
      labels: { a: 'b' },
    });

    expect(done).toMatchObject({
      status: 'succeeded',
      outputs: [{ ...output, url: 'https://s3/outputs/x/1/0-cat.png?signed', urlExpiresAt: at(900) }],
      costUsd: 0.04,
      elapsedSeconds: 12.5,
      endedAt: at(30),
      labels: { a: 'b' },
    });
    expect(JSON.stringify(done)).not.toContain('token-1');
  });

  it('shows a failed generation with its error and its earlier attempts', async () => {
    const past = { attempt: 1, endedAt: at(10), code: 'model_failed', message: 'x' } as const;

    expect(await record({ ...EXAMPLES.failed, attempt: 2, pastAttempts: [past] })).toMatchObject({
      error: { code: 'model_failed', message: 'The model failed.', retryable: true },
      pastAttempts: [past],
      attempt: 2,
    });
  });

  it.each(Object.entries(EXAMPLES))(
    'shows no holder, queue or announcements of a %s generation',
    async (_, example) => {
      const shown = await record({ ...example, announcements: [] } as Generation);

      for (const name of [
        'claim',
        'holder',
        'waiting',
        'announcements',
        'dueAt',
        'revision',
        'run',
        'requestHash',
      ])
        expect(shown).not.toHaveProperty(name);
    },
  );

  it('lists the first 1,000 of very many outputs, and counts all of them', async () => {
    const outputs = Array.from({ length: 1_001 }, (_, index) => ({ ...output, name: `${index}.png` }));

    const { outputs: listed, outputsTotal } = await record(EXAMPLES.succeeded, outputs);

    expect([listed.length, listed.at(-1)?.name, outputsTotal]).toEqual([1_000, '999.png', 1_001]);
  });
});

it('has when its Run was sent, and what a language model says of its answer, once', async () => {
  const answer = { ...output, name: 'answer.json', finishReason: 'length', usage: { total_tokens: 9 } };

  const { startedAt, finishReason, usage, outputs } = await record(EXAMPLES.succeeded, [answer]);

  expect([startedAt, finishReason, usage]).toEqual([at(0), 'length', { total_tokens: 9 }]);
  expect(Object.keys(outputs[0] ?? {})).not.toContain('usage');
  expect(await record(EXAMPLES.queued)).not.toHaveProperty('startedAt');
});
