import type { LocalService } from '../../local/aws/local-service.ts';
import { startRecordingProxy } from '../faults/recording-proxy.ts';

export interface WatchedSsm extends LocalService {
  /** How often it was asked. */
  calls(): number;
  /** While it is away, every connection is cut. */
  setAway(isAway: boolean): void;
}

/** Stands before the local SSM, counts, and can be away. */
export async function watchSsm(target: string): Promise<WatchedSsm> {
  let calls = 0;
  let isAway = false;
  const proxy = await startRecordingProxy({
    service: 'SSM',
    target,
    onCall: () => {
      calls += 1;
      return isAway ? 'undelivered' : undefined;
    },
    kill: (caller) => void caller.destroy(),
  });
  return {
    ...proxy,
    calls: () => calls,
    setAway: (away) => {
      isAway = away;
    },
  };
}
