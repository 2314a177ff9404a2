import { describe, expect, it } from 'vitest';
import type { Generation } from '../../../functions/generation/generation.ts';
import { claimToCollect, collectLater } from '../../../functions/generation/transitions/collect.ts';
import { cancel } from '../../../functions/generation/transitions/end.ts';
import { requestCancel } from '../../../functions/generation/transitions/request-cancel.ts';
import { claimToSubmit, joinLine, requeue } from '../../../functions/generation/transitions/submit.ts';
import { at, EXAMPLES, moment } from '../examples.ts';
import { whenHeld, whenSubmitting } from '../when-held.ts';

const setback = { code: 'upstream_unavailable', message: 'Wiro is away.' } as const;

describe('a setback', () => {
  it('shortens what it quotes, because every write of the state carries it', () => {
    const long = { code: 'upstream_unavailable', message: `Wiro says: ${'😀'.repeat(1_000)}` } as const;

    const troubled = requeue(EXAMPLES.submitting, long, moment(1));

    expect(troubled?.trouble?.message).toMatch(/^Wiro says: .+…$/);
    expect(troubled?.trouble?.message.length).toBeLessThanOrEqual(450);
    expect(troubled?.trouble?.message.isWellFormed()).toBe(true);
  });

  it('is tried again after a wait that doubles from five seconds to five minutes', () => {
    const waits: number[] = [];
    let generation: Generation = EXAMPLES.collecting;
    for (let tries = 0; tries < 9; tries += 1) {
      const collecting = claimToCollect(generation, 'me', moment(0));
      const later = collecting && collectLater(collecting, setback, moment(0));
      if (later?.dueAt === undefined) throw new Error('It is due later');
      waits.push((Date.parse(later.dueAt) - Date.parse(at(0))) / 1_000);
      generation = later;
    }

    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
    expect(generation.trouble).toMatchObject({ since: at(0), count: 9 });
  });

  it('keeps the start and the count of the trouble when its kind changes', () => {
    const troubled = {
      ...EXAMPLES.submitting,
      trouble: {
        since: at(-500),
        firstAt: { upstream_unavailable: at(-500) },
        count: 4,
        code: 'upstream_unavailable',
        message: 'x',
      },
    } as const;

    const same = requeue(troubled, setback, moment(10));
    const other = requeue(troubled, { code: 'internal_error', message: 'y' }, moment(10));

    expect(same).toMatchObject({ trouble: { since: at(-500), count: 5 }, dueAt: at(90) });
    expect(other).toMatchObject({
      trouble: { since: at(-500), count: 5, code: 'internal_error', message: 'y' },
      dueAt: at(90),
    });
  });

  it('survives a new claim: patience counts from the first setback', () => {
    const later = requeue(EXAMPLES.submitting, setback, moment(10));

    expect(later && claimToSubmit(later, 'you', moment(20))?.trouble?.since).toBe(at(10));
  });

  it('does not lead back to the queue while a request to cancel stands: it would not be noticed there', () => {
    const wished = requestCancel(EXAMPLES.submitting, moment(5));

    expect(whenSubmitting(wished, 'me', (held) => requeue(held, setback, moment(10)))).toBeUndefined();
    expect(whenSubmitting(wished, 'me', (held) => joinLine(held, at(5), moment(10)))).toBeUndefined();
    expect(whenHeld(wished, 'me', (held) => cancel(held, {}, moment(10)))?.status).toBe('cancelled');
  });
});
