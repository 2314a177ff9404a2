import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { hasEnded } from '../../functions/generation/generation.ts';
import { log } from '../../functions/runtime/log.ts';
import { Simulation } from './simulation.ts';

const options = {
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  generations: fc.integer({ min: 1, max: 30 }),
  limit: fc.constantFrom(1, 2, 3, 5, 10),
};

/** What holds whatever breaks: each ended and ran once, none passed an older one, and no slot beyond the limit was given. */
function expectAllServed(simulation: Simulation): void {
  const { tasks, broken } = simulation;
  expect(broken).toEqual([]);
  expect(simulation.states().filter((state) => !hasEnded(state))).toEqual([]);
  expect(new Set(tasks.map(({ generation }) => generation)).size).toBe(tasks.length);
}

function expectAllSlotsFree(simulation: Simulation): void {
  expect(simulation.gate()).not.toHaveProperty('slots');
  expect(simulation.gate()).not.toHaveProperty('unanswered');
}

/** Whether `reconcile` had to help, or a slot was idle while a generation waited. */
function neededHelp({ rescues, idle, refusals }: Simulation): boolean {
  // Refused twice while nothing of ours runs looks like an account that others fill: that waits for `reconcile`.
  const looksLikeOthers = [...refusals.values()].some((count) => count > 1);
  return (rescues > 0 || idle > 0) && !looksLikeOthers;
}

/** Describes properties of the gate. `scale` multiplies the number of simulations. The seeds are always the same. */
export function describeGate(scale: number): void {
  vi.setConfig({ testTimeout: 600_000 });
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);

  describe('the line at the gate, whatever the order in which things happen', () => {
    it('needs no help, keeps the order and the limit, and runs each once', async () => {
      await fc.assert(
        fc.asyncProperty(fc.record(options), async (given) => {
          const simulation = await new Simulation(given).run();

          expectAllServed(simulation);
          expectAllSlotsFree(simulation);
          expect(simulation.states().map(({ status }) => status)).not.toContain('failed');
          expect(neededHelp(simulation)).toBe(false);
        }),
        { numRuns: 50 * scale, seed: 1 },
      );
    });

    it('goes on past those that Wiro refuses for good', async () => {
      await fc.assert(
        fc.asyncProperty(fc.record({ ...options, invalidPercent: fc.constant(40) }), async (given) => {
          const simulation = await new Simulation(given).run();

          expectAllServed(simulation);
          expectAllSlotsFree(simulation);
          expect(neededHelp(simulation)).toBe(false);
        }),
        { numRuns: 20 * scale, seed: 2 },
      );
    });

    it('needs help in less than one run of fifty when three of a hundred answers of the table are lost', async () => {
      let helped = 0;
      const numRuns = 70 * scale;
      await fc.assert(
        fc.asyncProperty(fc.record({ ...options, resendPercent: fc.constant(3) }), async (given) => {
          const simulation = await new Simulation(given).run();

          expectAllServed(simulation);
          expect(simulation.rescues).toBeLessThanOrEqual(10);
          if (neededHelp(simulation)) helped += 1;
        }),
        { numRuns, seed: 5 },
      );
      expect(helped).toBeLessThan(numRuns / 50);
    });

    it('needs at most a few minutes of reconcile when the index lags', async () => {
      await fc.assert(
        fc.asyncProperty(fc.record({ ...options, lagPercent: fc.constant(30) }), async (given) => {
          const simulation = await new Simulation(given).run();

          expectAllServed(simulation);
          expect(simulation.rescues).toBeLessThanOrEqual(10);
        }),
        { numRuns: 15 * scale, seed: 3 },
      );
    });

    it('needs nothing but reconcile when invocations are killed anywhere and answers are lost', async () => {
      let crashes = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.record({ ...options, crashPercent: fc.constant(4), lostAnswerPercent: fc.constant(10) }),
          async (given) => {
            const simulation = await new Simulation(given).run();

            crashes += simulation.crashes;
            expectAllServed(simulation);
            expect(simulation.states().map(({ status }) => status)).not.toContain('failed');
            expect(simulation.rescues).toBeLessThan(120);
          },
        ),
        { numRuns: 25 * scale, seed: 4 },
      );
      expect(crashes).toBeGreaterThan(100);
    });
  });
}
