import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { expect, it } from 'vitest';
import { createClient } from '../../client/index.ts';
import { createMcpServer } from '../../mcp/server.ts';
import { ROOT } from './blocks.ts';

const page = readFileSync(path.join(ROOT, 'docs/agents.md'), 'utf8');

it('the page for agents has every tool, and no other', async () => {
  const server = createMcpServer({ client: createClient({ url: 'http://127.0.0.1:9' }), version: '1' });
  const mcp = new Client({ name: 'test', version: '1' });
  const [here, there] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(there), mcp.connect(here)]);

  const { tools } = await mcp.listTools();

  const rows = [...page.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = '']) => cell);
  const named = rows.flatMap((cell) => [...cell.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name));
  expect(named.toSorted()).toEqual(tools.map(({ name }) => name).toSorted());
  await mcp.close();
});
