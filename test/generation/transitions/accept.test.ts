import { describe, expect, it } from 'vitest';
import { accept } from '../../../functions/generation/transitions/accept.ts';
import { claimToSubmit } from '../../../functions/generation/transitions/submit.ts';
import { DURATIONS } from '../../../functions/settings.ts';
import { at, EXAMPLES, moment } from '../examples.ts';

describe('accept', () => {
  it('starts in the queue, and is due in case its submission is lost', () => {
    const { id, deployment, origin, model, requestHash } = EXAMPLES.queued;

    const generation = accept({ id, deployment, origin, model, requestHash }, moment(0));

    expect(generation).toEqual({
      version: 1,
      revision: 1,
      id: 'abcdefghijklmnopqrstuvwxyz',
      deployment: 'shop',
      origin: 'api',
      model: 'wiro/flux',
      requestHash: 'hash',
      status: 'queued',
      waiting: false,
      attempt: 1,
      createdAt: '2026-01-01T12:00:00.000Z',
      updatedAt: '2026-01-01T12:00:00.000Z',
      dueAt: '2026-01-01T12:00:05.000Z',
      looks: 0,
      announcements: [],
      pastAttempts: [],
    });
  });
});

it('uses the durations that it is given', () => {
  const durations = { ...DURATIONS, lease: 600, clockSkew: 50 };

  const claimed = claimToSubmit(EXAMPLES.queued, 'me', { now: at(0), durations });

  expect(claimed).toMatchObject({ claim: { until: at(0.6) }, dueAt: at(0.65) });
});
