import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { startWorld } from './world.ts';

describe('the control routes', () => {
  it('add, list and remove fault rules', async () => {
    const { simulator, call } = await startWorld();
    const faults = `${simulator.url}/simulator/faults`;
    const rule = {
      id: 'mine',
      operation: 'Tool/List',
      fault: { kind: 'error', message: 'No', work: 'never' },
    };
    const send = async (method: string, path = '', body?: unknown) =>
      (
        await fetch(`${faults}${path}`, { method, body: body === undefined ? null : JSON.stringify(body) })
      ).json();

    const added = await send('POST', '', [rule, { operation: 'task', fault: { kind: 'fails' } }]);
    const struck = await call('Tool/List');
    const listed = await send('GET');
    const left = await send('DELETE', '/mine');
    const none = await send('DELETE');

    expect(added).toEqual({ ids: ['mine', 'fault-2'] });
    expect(struck.errors[0]?.message).toBe('No');
    expect(listed).toMatchObject({ faults: [{ rule, seen: 1, applied: 1 }, { applied: 0 }] });
    expect(left).toMatchObject({ faults: [{ rule: { id: 'fault-2' } }] });
    expect(none).toEqual({ faults: [] });
  });

  it.each([
    ['faults', { operation: 'Run', fault: { kind: 'lost' } }, /^A fault of "Run" must be one of reset,/],
    [
      'faults',
      { operation: 'Walk', fault: { kind: 'reset' } },
      /^A fault rule's "operation" must be one of Run,/,
    ],
    ['settings', { balance: 1 }, /^The setting "balance" does not exist: use balanceUsd,/],
    ['settings', { balanceUsd: 'much' }, /^The setting "balanceUsd" cannot be "much"$/],
  ])('refuse invalid %s: %j', async (what, body, error) => {
    const { simulator } = await startWorld();

    const response = await fetch(`${simulator.url}/simulator/${what}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });

    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.stringMatching(error) });
  });

  it('show and change the state', async () => {
    const { simulator, run, upload, ended } = await startWorld();
    await upload(Uint8Array.of(1, 2, 3));
    const id = await run();
    await ended(id);

    await fetch(`${simulator.url}/simulator/settings`, {
      method: 'POST',
      body: JSON.stringify({ concurrencyLimit: 7, balanceUsd: 12 }),
    });
    const state = await (await fetch(`${simulator.url}/simulator/state`)).json();

    expect(state).toMatchObject({
      settings: { concurrencyLimit: 7, balanceUsd: 12 },
      tasks: [
        { id, model: 'wiro/text-to-image', status: 'task_postprocess_end', isOver: true, costUsd: 0.04 },
      ],
      uploads: [{ sizeBytes: 3, sha256: '039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81' }],
      chargedUsd: 0.04,
      requests: { Run: 1, 'File/Upload': 1 },
      connections: { accepted: expect.any(Number) },
    });
  });
});

describe('the command', () => {
  /** Starts the command and reads its output until it ends or prints its addresses. */
  async function startCommand(...args: string[]) {
    const child = spawn(process.execPath, ['local/simulator/main.ts', ...args]);
    let said = '';
    const read = (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('Ctrl-C')) child.kill('SIGINT');
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    const [code] = await once(child, 'close');
    return { code, said };
  }

  it('prints its addresses and stops on Ctrl-C', async () => {
    const { code, said } = await startCommand('--port', '0');

    expect(code).toBe(0);
    expect(said).toMatch(
      /API +http:\/\/127\.0\.0\.1:\d+\/v1\n +socket +ws:\/\/127\.0\.0\.1:\d+\/socket\/v1\n/,
    );
  });

  it.each([
    [['--port', 'x'], '--port is "x": use a number of 0 or more.\n'],
    [['--port', '70000'], '--port is "70000": use a whole number up to 65535.\n'],
    [['--outputs', 'large'], '--outputs is "large": use composed or tiny.\n'],
    [['--prot', '1'], "Unknown option '--prot'. Try --help.\n"],
  ])('refuses %j in one sentence', async (args, sentence) => {
    expect(await startCommand(...args)).toEqual({ code: 1, said: sentence });
  });

  it('reports that its port is in use', async () => {
    const { simulator } = await startWorld();
    const port = new URL(simulator.url).port;

    const { code, said } = await startCommand('--port', port);

    expect(code).toBe(1);
    expect(said).toBe(
      `Port ${port} is in use: stop the process that listens on it, or choose another port with --port.\n`,
    );
  });
});
