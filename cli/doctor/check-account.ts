import { type CallAws, callJson } from './calls.ts';
import { type Judgement, ok, unchecked, wrong } from './finding.ts';

/** The account's concurrency in the region. */
export async function readConcurrency(aws: CallAws, signal: AbortSignal): Promise<number> {
  const call = {
    service: 'lambda',
    action: 'lambda:GetAccountSettings',
    method: 'GET',
    path: '/2016-08-19/account-settings',
  } as const;
  const { AccountLimit } = JSON.parse(await aws(call, signal)) as {
    readonly AccountLimit?: { readonly ConcurrentExecutions?: number };
  };
  return AccountLimit?.ConcurrentExecutions ?? Number.NaN;
}

/** Below it, AWS allows no reserved concurrency, and copies crowd out callbacks. */
const LEAST_CONCURRENCY = 100;

export function judgeConcurrency(limit: number): Judgement {
  if (Number.isNaN(limit)) return unchecked('AWS did not tell it');
  if (limit >= LEAST_CONCURRENCY) return ok(`${limit} functions at once`);
  return wrong(
    `only ${limit} functions at once in this account and region`,
    'Ask for more in Service Quotas ("Concurrent executions" of Lambda; free). Until then set maximumCollects to 5.',
  );
}

export interface Alarm {
  readonly name: string;
  readonly isInAlarm: boolean;
  readonly actions: readonly string[];
}

interface Described {
  readonly AlarmName?: string;
  readonly StateValue?: string;
  readonly ActionsEnabled?: boolean;
  readonly AlarmActions?: readonly string[];
}

export async function readAlarms(
  aws: CallAws,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly Alarm[]> {
  const { MetricAlarms = [], CompositeAlarms = [] } = (await callJson(
    aws,
    {
      service: 'monitoring',
      action: 'cloudwatch:DescribeAlarms',
      target: 'GraniteServiceVersion20100801.DescribeAlarms',
      version: '1.0',
    },
    { AlarmNames: names.slice(0, 100), AlarmTypes: ['MetricAlarm', 'CompositeAlarm'], MaxRecords: 100 },
    signal,
  )) as { MetricAlarms?: readonly Described[]; CompositeAlarms?: readonly Described[] };
  return [...MetricAlarms, ...CompositeAlarms].map(
    ({ AlarmName = '', StateValue, ActionsEnabled = true, AlarmActions = [] }) => ({
      name: AlarmName,
      isInAlarm: StateValue === 'ALARM',
      actions: ActionsEnabled ? AlarmActions : [],
    }),
  );
}

/** Counts the confirmed subscribers of an SNS topic. */
export async function countSubscribers(aws: CallAws, topic: string, signal: AbortSignal): Promise<number> {
  const xml = await aws(
    {
      service: 'sns',
      action: 'sns:ListSubscriptionsByTopic',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        Action: 'ListSubscriptionsByTopic',
        TopicArn: topic,
        Version: '2010-03-31',
      }).toString(),
    },
    signal,
  );
  return [...xml.matchAll(/<SubscriptionArn>arn:/g)].length;
}

/**
 * @param subscribers - Of each SNS topic among the actions. Other actions need none.
 */
export function judgeAlarms(alarms: readonly Alarm[], subscribers: ReadonlyMap<string, number>): Judgement {
  if (alarms.length === 0)
    return unchecked(
      'the stack has no alarms (observability "none")',
      'Set observability to "standard" for ten free ones.',
    );
  const actions = new Set(alarms.flatMap((alarm) => alarm.actions));
  if (actions.size === 0)
    return wrong(
      'nobody hears the alarms: they have no action',
      'Deploy with -c alarmTopic=<ARN of an SNS topic>, or call observability.addAlarmAction in your app.',
    );
  if ([...actions].every((action) => subscribers.get(action) === 0))
    return wrong(
      'nobody hears the alarms: their topic has no confirmed subscriber',
      'Subscribe an address to the SNS topic, and confirm it in the mail that AWS sends.',
    );
  const ringing = alarms.filter((alarm) => alarm.isInAlarm).map(({ name }) => name);
  if (ringing.length > 0)
    return wrong(
      `${ringing.length} of ${alarms.length} alarms ring: ${ringing.join(', ')}`,
      'See docs/operations.md for each.',
    );
  return ok(`${alarms.length} alarms, with a subscriber`);
}
