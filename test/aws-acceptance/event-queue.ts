import { setTimeout as wait } from 'node:timers/promises';
import {
  DeleteRuleCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import type { Account } from './account.ts';
import { createSend, type Send } from './send.ts';
import { serviceUrl } from './service-url.ts';
import { sign } from './sign.ts';

export interface BusEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A rule on the stack's bus that sends our events to a queue, and the events received from it. */
export interface EventQueue {
  /** The events received so far. */
  readonly events: readonly BusEvent[];
  remove(): Promise<void>;
}

const RULE = 'acceptance';
const POLL_S = 2;

/** @throws If the endpoint has no queues, or its bus does not deliver to them. */
export async function createEventQueue(account: Account, eventBus: string): Promise<EventQueue> {
  const { eventBridge } = account;
  const sqs = createSqs(account);
  const QueueName = `${eventBus}-acceptance`.slice(-80);
  const { QueueUrl } = await sqs('CreateQueue', { QueueName });
  const removeQueue = () => sqs('DeleteQueue', { QueueUrl });
  const removeRule = async () => {
    await eventBridge.send(new RemoveTargetsCommand({ EventBusName: eventBus, Rule: RULE, Ids: ['queue'] }));
    await eventBridge.send(new DeleteRuleCommand({ EventBusName: eventBus, Name: RULE }));
  };
  try {
    const { Attributes } = await sqs('GetQueueAttributes', { QueueUrl, AttributeNames: ['QueueArn'] });
    const { QueueArn } = Attributes as { readonly QueueArn: string };
    const { RuleArn } = await eventBridge.send(
      new PutRuleCommand({
        EventBusName: eventBus,
        Name: RULE,
        EventPattern: JSON.stringify({ source: ['wiro.generations'] }),
      }),
    );
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: QueueArn,
          Condition: { ArnEquals: { 'aws:SourceArn': RuleArn } },
        },
      ],
    });
    await sqs('SetQueueAttributes', { QueueUrl, Attributes: { Policy } });
    const { FailedEntryCount, FailedEntries } = await eventBridge.send(
      new PutTargetsCommand({
        EventBusName: eventBus,
        Rule: RULE,
        Targets: [{ Id: 'queue', Arn: QueueArn }],
      }),
    );
    if (FailedEntryCount) throw new Error(`the rule takes no queue: ${FailedEntries?.[0]?.ErrorMessage}`);
  } catch (error) {
    await removeRule().catch(() => {});
    await removeQueue().catch(() => {});
    throw error;
  }

  const events: BusEvent[] = [];
  const stopping = new AbortController();
  const listening = listen();
  return {
    events,
    remove: async () => {
      stopping.abort();
      await listening;
      await removeRule();
      await removeQueue();
    },
  };

  async function listen(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const { Messages = [] } = await sqs('ReceiveMessage', {
          QueueUrl,
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: POLL_S,
        });
        for (const { Body, ReceiptHandle } of Messages as { Body: string; ReceiptHandle: string }[]) {
          events.push(JSON.parse(Body) as BusEvent);
          await sqs('DeleteMessage', { QueueUrl, ReceiptHandle });
        }
      } catch {
        // The next call may succeed. A message that was not deleted comes again.
        await wait(POLL_S * 1000, undefined, { signal: stopping.signal }).catch(() => {});
      }
    }
  }
}

type Sqs = (action: string, input: Readonly<Record<string, unknown>>) => Promise<Record<string, unknown>>;

/** SQS's JSON protocol. Five calls do not justify another SDK client. */
function createSqs(account: Account, send: Send = createSend()): Sqs {
  const url = serviceUrl('sqs', account.region);
  return async (action, input) => {
    const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}` };
    const body = JSON.stringify(input);
    const answer = await send(await sign(account, 'sqs', { method: 'POST', url, headers, body }));
    const text = answer.body.toString('utf8');
    if (answer.status !== 200)
      throw new Error(`SQS answered ${action} with ${answer.status}: ${text.slice(0, 200)}`);
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  };
}
