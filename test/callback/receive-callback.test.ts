import { beforeEach, describe, expect, it, vi } from 'vitest';
import { receiveCallback } from '../../functions/callback/receive-callback.ts';
import { callbackUrl, parseCallbackPath } from '../../functions/generation/callback-url.ts';
import { type Generation, hasEnded } from '../../functions/generation/generation.ts';
import type { TaskHint } from '../../functions/generation/task-hint.ts';
import type { Moment } from '../../functions/generation/time.ts';
import { noteCallback } from '../../functions/generation/transitions/note-callback.ts';
import { log } from '../../functions/runtime/log.ts';
import { DURATIONS } from '../../functions/settings.ts';
import type { GenerationStore } from '../../functions/store/generation-store.ts';
import { at, EXAMPLES, type ExampleName } from '../generation/examples.ts';

beforeEach(() => {
  for (const level of ['info', 'warn'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});

const { id } = EXAMPLES.running;

/** One generation or none, the writes to it, and what was started. */
function callbackWorld(
  given: Generation | undefined,
  over: { secrets?: () => Promise<string[]>; renewedSecrets?: () => Promise<string[]> } = {},
) {
  const started: string[] = [];
  const bodies: string[] = [];
  const kept: TaskHint[] = [];
  let standing = given;
  const update = async (_id: string, decide: (current: Generation) => Generation | undefined) => {
    if (standing === undefined) return { kind: 'missing' };
    const next = decide(standing);
    if (next === undefined) return { kind: 'refused', generation: standing };
    standing = next;
    return { kind: 'written', generation: next };
  };
  const note = async (_id: string, attempt: number, taskId: string, moment: Moment) => {
    if (standing === undefined || hasEnded(standing) || standing.attempt !== attempt) return undefined;
    standing = noteCallback(standing, attempt, taskId, moment);
    return standing;
  };
  const deps = {
    deployment: 'shop',
    secrets: over.secrets ?? (async () => ['current', 'previous']),
    renewedSecrets: over.renewedSecrets ?? (async () => ['current', 'previous']),
    generations: { update } as Pick<GenerationStore, 'update'>,
    callbacks: { note },
    hints: { keep: async (_id: string, hint: TaskHint) => kept.push(hint) === 1 },
    startCollecting: async (one: string) => void started.push(one),
    moment: () => ({ now: at(10), durations: DURATIONS }),
  };
  return {
    deps,
    started,
    kept,
    bodies,
    standing: () => standing,
    read: () => {
      bodies.push('read');
      return '{"id":"task-1"}';
    },
  };
}

function signedPath(over: { deployment?: string; attempt?: number; secret?: string } = {}) {
  const { deployment = 'shop', attempt = 1, secret = 'current' } = over;
  const url = callbackUrl('https://cb.example', { deployment, generationId: id, attempt }, secret);
  const path = parseCallbackPath(new URL(url).pathname);
  if (path === undefined) throw new Error('A signed path can be read');
  return path;
}

describe('receiveCallback', () => {
  it.each(['queued', 'waiting', 'submitting', 'marked', 'running', 'collecting'] as const)(
    'notes it for a generation that is %s, and starts collecting',
    async (name: ExampleName) => {
      const { deps, started, standing, read } = callbackWorld(EXAMPLES[name]);

      const outcome = await receiveCallback(deps, signedPath(), read);

      expect(outcome).toEqual({ kind: 'noted' });
      expect(standing()).toEqual({
        ...EXAMPLES[name],
        callback: { seenAt: at(10), taskId: 'task-1' },
        dueAt: at(10),
      });
      expect(started).toEqual([id]);
    },
  );

  it.each([
    ['queued', 1],
    ['marked', 1],
    ['running', 0],
  ] as const)('keeps what it names for a retry while one that is %s has no task', async (name, times) => {
    const { deps, kept, read } = callbackWorld(EXAMPLES[name]);

    await receiveCallback(deps, signedPath(), read);

    expect(kept).toHaveLength(times);
  });

  it('keeps the named task beside the end of a generation without a task', async () => {
    const { deps, kept, started, standing, read } = callbackWorld(EXAMPLES.cancelled);

    expect(await receiveCallback(deps, signedPath(), read)).toEqual({ kind: 'kept' });
    expect([standing(), started]).toEqual([EXAMPLES.cancelled, []]);
    expect(kept).toMatchObject([{ attempt: 1, taskId: 'task-1', seenAt: at(10) }]);
    expect(JSON.stringify(kept)).not.toContain(signedPath().signature);
  });

  it('keeps nothing if the body names no task', async () => {
    const { deps, kept } = callbackWorld(EXAMPLES.cancelled);

    expect(await receiveCallback(deps, signedPath(), () => 'done')).toEqual({ kind: 'over' });
    expect(kept).toEqual([]);
  });

  it.each(['succeeded', 'failed'] as const)(
    'changes nothing for one that %s with this task',
    async (name: ExampleName) => {
      const { deps, started, standing, read } = callbackWorld(EXAMPLES[name]);

      expect(await receiveCallback(deps, signedPath(), read)).toEqual({ kind: 'over' });
      expect([standing(), started]).toEqual([EXAMPLES[name], []]);
    },
  );

  it('changes nothing for another attempt or an unknown generation', async () => {
    const later = callbackWorld({ ...EXAMPLES.running, attempt: 2 });
    const missing = callbackWorld(undefined);

    const kinds = [
      await receiveCallback(later.deps, signedPath({ attempt: 1 }), later.read),
      await receiveCallback(missing.deps, signedPath(), missing.read),
    ].map(({ kind }) => kind);

    expect([kinds, later.started, missing.started]).toEqual([['over', 'over'], [], []]);
    expect(later.standing()).not.toHaveProperty('callback');
  });

  it('accepts the previous secret during a rotation', async () => {
    const { deps, read } = callbackWorld(EXAMPLES.running);

    expect((await receiveCallback(deps, signedPath({ secret: 'previous' }), read)).kind).toBe('noted');
  });

  it.each([
    ['an unknown secret', signedPath({ secret: 'guessed' })],
    ['a signature of another attempt', { ...signedPath(), attempt: 2 }],
    ['a signature of another generation', { ...signedPath(), generationId: 'b'.repeat(26) }],
    ['a signature of another deployment', { ...signedPath({ deployment: 'other' }), deployment: 'shop' }],
    ['another deployment with the same secret', signedPath({ deployment: 'other' })],
  ])('rejects %s as forged, and reads nothing else of it', async (_, path) => {
    const { deps, started, bodies, standing, read } = callbackWorld(EXAMPLES.running);

    expect(await receiveCallback(deps, path, read)).toEqual({ kind: 'forged' });
    expect([bodies, started, standing()]).toEqual([[], [], EXAMPLES.running]);
  });

  it('neither accepts nor rejects if the secrets cannot be read', async () => {
    const { deps, standing, read } = callbackWorld(EXAMPLES.running, {
      secrets: () => Promise.reject(new Error('SSM is away')),
    });

    await expect(receiveCallback(deps, signedPath(), read)).rejects.toThrow('SSM is away');
    expect(standing()).toBe(EXAMPLES.running);
  });

  it('reads the secrets anew for an unknown signature: they may just have been rotated', async () => {
    const { deps, started, read } = callbackWorld(EXAMPLES.running, {
      renewedSecrets: async () => ['rotated', 'current'],
    });

    expect((await receiveCallback(deps, signedPath({ secret: 'rotated' }), read)).kind).toBe('noted');
    expect(started).toEqual([id]);
  });

  it('reads nothing anew for a known signature, or for another deployment', async () => {
    let renewals = 0;
    const { deps, read } = callbackWorld(EXAMPLES.running, {
      renewedSecrets: async () => {
        renewals += 1;
        return ['current'];
      },
    });

    await receiveCallback(deps, signedPath({ secret: 'previous' }), read);
    await receiveCallback(deps, signedPath({ deployment: 'other' }), read);

    expect(renewals).toBe(0);
  });

  it('neither accepts nor rejects an unknown signature if the secrets cannot be read anew', async () => {
    const { deps, bodies, standing, read } = callbackWorld(EXAMPLES.running, {
      renewedSecrets: () => Promise.reject(new Error('SSM is away')),
    });

    await expect(receiveCallback(deps, signedPath({ secret: 'rotated' }), read)).rejects.toThrow(
      'SSM is away',
    );
    expect([standing(), bodies]).toEqual([EXAMPLES.running, []]);
  });

  it('has noted the callback even if collecting cannot be started', async () => {
    const { deps, standing, read } = callbackWorld(EXAMPLES.running);
    const startCollecting = () => Promise.reject(new Error('throttled'));

    const outcome = await receiveCallback({ ...deps, startCollecting }, signedPath(), read);

    expect([outcome.kind, standing()?.dueAt]).toEqual(['noted', at(10)]);
  });

  it('may come any number of times', async () => {
    const { deps, started, standing, read } = callbackWorld(EXAMPLES.running);

    const kinds = [];
    for (let times = 0; times < 3; times += 1)
      kinds.push((await receiveCallback(deps, signedPath(), read)).kind);

    expect(kinds).toEqual(['noted', 'noted', 'noted']);
    expect(started).toHaveLength(3);
    expect(standing()?.status).toBe('running');
  });
});
