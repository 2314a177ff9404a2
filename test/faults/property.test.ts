import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { anyScript } from './property/arbitrary-script.ts';
import { compileFunctions } from './property/containers.ts';
import { describeRun } from './property/report.ts';
import { runScript } from './property/run-script.ts';
import { singleFaults } from './property/single-faults.ts';

/** `npm run property` goes on where this part ends. */
const [MOST_RUNS, SEED, TIME_MS] = [40, 1, 3_000] as const;

/** As many as a machine of this speed plays in the time; one at the least, however busy it is. */
async function affordableRuns(): Promise<number> {
  const [script] = fc.sample(anyScript, { numRuns: 1, seed: SEED });
  if (script === undefined) throw new Error('There is no script');
  await runScript(script); // what is compiled once is not counted
  const begun = performance.now();
  await runScript(script);
  return Math.min(Math.max(Math.floor(TIME_MS / (performance.now() - begun)), 1), MOST_RUNS);
}

beforeAll(compileFunctions);

describe('whatever Wiro, its CDN and AWS answer, for ever, what was accepted ends, and says how', () => {
  it('for any script of faults', async () => {
    const property = fc.asyncProperty(anyScript, async (script) => {
      const result = await runScript(script);
      expect(result.broken, describeRun(script, result)).toEqual([]);
    });

    await fc.assert(property, { numRuns: await affordableRuns(), seed: SEED });
  });

  it.each([
    ['nothing', ['succeeded']],
    ['Run: {"kind":"reset","work":"never"}', ['failed (upstream_unavailable)']],
    ['Run: {"kind":"reset","work":"done"}', ['succeeded']],
    [
      'Run: {"kind":"refused","code":0,"message":"Server error","work":"never"}',
      ['failed (upstream_refused)'],
    ],
    ['Task/Detail: {"kind":"silent"}', ['failed (upstream_unavailable)']],
    ['Task/Detail: {"kind":"huge"}', ['succeeded']],
    ['strangers: forged', ['failed (submission_unknown)']],
    ['task: {"end":"errs"}', ['failed (model_failed)']],
    ['task: {"end":"errsThenSucceeds"}', ['succeeded']],
    ['task: {"end":"stuck","stuckAt":"task_start","takesKill":false}', ['failed (deadline_exceeded)']],
    ['CDN: {"kind":"page"}', ['failed (output_unavailable)']],
    ['CDN: {"kind":"slow"}', ['failed (output_unavailable)']],
    ['callback killed at: cdn.GET', ['failed (function_killed)']],
    ['submit killed at: wiro.File/Upload', ['failed (function_killed)']],
    ['line that never moves: limit 1', ['failed (deadline_exceeded)', 'failed (waited_too_long)']],
    [
      'copies of one at once, CDN: {"kind":"slow"}',
      ['failed (output_unavailable)', 'failed (output_unavailable)'],
    ],
    [
      'copies of one at once, callback killed at: cdn.GET',
      ['failed (function_killed)', 'failed (function_killed)'],
    ],
    ['limit: 1', ['failed (deadline_exceeded)', 'failed (deadline_exceeded)']],
  ])('for ever %s', async (name, ends) => {
    const script = singleFaults().find((one) => one.name === name)?.script;
    if (script === undefined) throw new Error(`There is no such fault: ${name}`);

    const result = await runScript(script);

    expect(result.broken, describeRun(script, result)).toEqual([]);
    expect(result.ends).toEqual(ends);
  });

  it('with a submission that is killed at whichever call, and with it whoever is to repeat it', async () => {
    const scripts = singleFaults().filter(({ name }) => name.startsWith('Run refused, and submit killed'));
    const kills: number[] = [];

    for (const { script } of scripts) {
      const result = await runScript(script);
      kills.push(result.system.kills);
      expect(result.broken, describeRun(script, result)).toEqual([]);
      expect(result.ends).toEqual(['failed (insufficient_balance)']);
    }

    // The last ones come after its last call.
    expect(kills.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 3));
    expect(kills.at(-1)).toBe(0);
  });
});
