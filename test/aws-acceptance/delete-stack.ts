import { setTimeout as wait } from 'node:timers/promises';
import type { Account } from './account.ts';
import { createSend } from './send.ts';
import { serviceUrl } from './service-url.ts';
import { sign } from './sign.ts';

const POLL_MS = 2_000;
const LIMIT_MS = 10 * 60_000;

/**
 * Deletes a stack by its name and waits until it is gone. `cdk destroy` may leave it behind: it deletes by the stack's id,
 * which not every emulator knows, and gives up on an interrupted deployment.
 * @throws If the stack still exists after a while, with its last status.
 */
export async function deleteStack(account: Account, stackName: string): Promise<void> {
  const send = createSend();
  const url = serviceUrl('cloudformation', account.region);
  const call = async (action: string) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const fields = { Action: action, Version: '2010-05-15', StackName: stackName };
    const body = new URLSearchParams(fields).toString();
    const answer = await send(await sign(account, 'cloudformation', { method: 'POST', url, headers, body }));
    return { status: answer.status, text: answer.body.toString('utf8') };
  };
  const { status, text } = await call('DeleteStack');
  if (status !== 200) throw new Error(`DeleteStack answered ${status}: ${text.slice(0, 300)}`);
  const endsAt = performance.now() + LIMIT_MS;
  for (;;) {
    const found = await call('DescribeStacks');
    if (/does not exist/.test(found.text)) return;
    const [, stackStatus = 'unknown', reason = ''] =
      /<StackStatus>([^<]*)<\/StackStatus>(?:\s*<StackStatusReason>([^<]*))?/.exec(found.text) ?? [];
    if (/FAILED$/.test(stackStatus) || performance.now() > endsAt)
      throw new Error(`The stack ${stackName} could not be deleted: ${stackStatus} ${reason}`.trim());
    await wait(POLL_MS);
  }
}
