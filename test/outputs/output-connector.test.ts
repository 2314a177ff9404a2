import { expect, it } from 'vitest';
import { createOutputConnector } from '../../functions/outputs/output-connector.ts';
import { parseOutputHosts } from '../../functions/outputs/output-hosts.ts';
import { startCdn } from './cdn-world.ts';

it.each(['127.0.0.1', '::1', '10.0.0.1', '169.254.169.254', '::ffff:127.0.0.1'])(
  'opens no connection to %s on its own account either',
  async (hostname) => {
    const trap = await startCdn((_request, response) => void response.end());
    const connect = createOutputConnector({ hosts: parseOutputHosts('wiro.ai'), connectMs: 1_000 });

    const error = await new Promise((resolve) => {
      connect({ hostname, protocol: 'http:', port: String(trap.port) }, (...[failure]) => resolve(failure));
    });

    expect(error).toMatchObject({ name: 'OutputRefusedError' });
    expect(trap.connections()).toBe(0);
    await trap.stop();
  },
);
