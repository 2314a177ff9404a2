import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { hasEnded } from '../../functions/generation/generation.ts';
import { log } from '../../functions/runtime/log.ts';
import { Simulation } from './simulation.ts';

vi.setConfig({ testTimeout: 60_000 });
for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);

const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });

const options = {
  seed: seeds,
  generations: fc.integer({ min: 1, max: 30 }),
  limit: fc.constantFrom(1, 2, 3, 5, 10),
};
// SIMULATIONS=20 looks harder.
const SCALE = Number(process.env.SIMULATIONS ?? 1);

/** What holds whatever breaks: each ended, each ran once, nobody passed an older one, and nothing is left over. */
function expectAllServed(simulation: Simulation): void {
  const { tasks, broken } = simulation;
  expect(broken).toEqual([]);
  expect(simulation.states().filter((state) => !hasEnded(state))).toEqual([]);
  expect(new Set(tasks.map(({ generation }) => generation)).size).toBe(tasks.length);
}

function expectNobodyHoldsASlot(simulation: Simulation): void {
  expect(simulation.gate()).not.toHaveProperty('slots');
  expect(simulation.gate()).not.toHaveProperty('unanswered');
}

describe('the line at the gate, whatever the order in which things happen', () => {
  it('forgets nobody without any help, keeps the order and the limit, and runs each once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record(options), async (given) => {
        const simulation = await new Simulation(given).run();

        expectAllServed(simulation);
        expectNobodyHoldsASlot(simulation);
        expect(simulation.states().map(({ status }) => status)).not.toContain('failed');
        // Refused twice while nothing of ours runs looks like an account that others fill: a minute's wait.
        const wasUnlucky = [...simulation.refusals.values()].some((count) => count > 1);
        expect([simulation.rescues, simulation.idle].every((count) => count === 0) || wasUnlucky).toBe(true);
      }),
      { numRuns: 20 * SCALE, seed: 1 },
    );
  });

  it('goes on past those that Wiro refuses for good', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record({ ...options, invalidPercent: fc.constant(40) }), async (given) => {
        const simulation = await new Simulation(given).run();

        expectAllServed(simulation);
        expectNobodyHoldsASlot(simulation);
        const wasUnlucky = [...simulation.refusals.values()].some((count) => count > 1);
        expect([simulation.rescues, simulation.idle].every((count) => count === 0) || wasUnlucky).toBe(true);
      }),
      { numRuns: 10 * SCALE, seed: 2 },
    );
  });

  it('needs at most a few minutes of reconcile when the index lags', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record({ ...options, lagPercent: fc.constant(30) }), async (given) => {
        const simulation = await new Simulation(given).run();

        expectAllServed(simulation);
        expect(simulation.rescues).toBeLessThanOrEqual(10);
      }),
      { numRuns: 10 * SCALE, seed: 3 },
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
      { numRuns: 20 * SCALE, seed: 4 },
    );
    expect(crashes).toBeGreaterThan(100);
  });
});
