import { randomUUID } from 'node:crypto';
import { LOCAL_ACCOUNT } from './lambda-types.ts';

export interface Schedule {
  readonly isOn: boolean;
  on(): void;
  off(): void;
}

/** Calls `tick` periodically with the event of an EventBridge schedule. Initially off. */
export function createSchedule(
  { region, everyMs }: { readonly region: string; readonly everyMs: number },
  tick: (event: unknown) => void,
): Schedule {
  let timer: NodeJS.Timeout | undefined;
  const off = () => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    get isOn() {
      return timer !== undefined;
    },
    on: () => {
      timer ??= setInterval(() => tick(scheduledEvent(region)), everyMs);
    },
    off,
  };
}

function scheduledEvent(region: string) {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: LOCAL_ACCOUNT,
    time: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    region,
    resources: [`arn:aws:events:${region}:${LOCAL_ACCOUNT}:rule/every-minute`],
    detail: {},
  };
}
