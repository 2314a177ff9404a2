import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect, it } from 'vitest';
import { startApiWorld } from '../mcp/api-world.ts';
import { temporaryFolder } from './support.ts';

const MAIN = path.resolve(import.meta.dirname, '../../cli/main.ts');
const folder = temporaryFolder();

it('serves an agent over standard input and output, and ends with it', async () => {
  const api = await startApiWorld();
  await writeFile(folder.file('endpoints.json'), JSON.stringify({ api: api.url, region: 'local-1' }));
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [MAIN, 'mcp', '--data', folder.path, '--budget', '0.05'],
    stderr: 'pipe',
  });
  const mcp = new Client({ name: 'test', version: '1' });
  try {
    await mcp.connect(transport);

    const { content } = await mcp.callTool({
      name: 'submit',
      arguments: { model: 'wiro/text-to-image', parameters: { prompt: 'A boat' } },
    });

    expect(JSON.stringify(content)).toContain('budgetLeftUsd');
    expect(api.generations()).toBe(1);
  } finally {
    await mcp.close();
    await api.stop();
  }
});
