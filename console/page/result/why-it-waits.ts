import type { WaitingFor } from '../../../client/index.ts';
import { count, formatDuration } from '../ui/format.ts';

/** Says why a generation has not ended, in a sentence with a number. */
export function whyItWaits({ what, since, tries, nextTryAt, ahead }: WaitingFor, now: Date): string {
  const waited = formatDuration(now.getTime() - Date.parse(since));
  const next = formatDuration(Date.parse(nextTryAt) - now.getTime());
  switch (what) {
    case 'slot':
      return `Waits for a slot at Wiro for ${waited}: ${ahead === undefined ? 'its turn comes' : ahead === 0 ? 'it is next, 0 stand before it' : `${ahead >= 1_000 ? 'at least ' : ''}${count(ahead, 'generation')} before it`}. It fails if its turn does not come within ${next}.`;
    case 'retry':
      return `${count(tries, 'try', 'tries')} in ${waited} did not start it: the next follows in ${next}.`;
    case 'search':
      return `The answer to its Run was lost ${waited} ago: Wiro is searched for its task again in ${next}, so that nothing is paid twice.`;
    case 'task':
      return `Its task at Wiro has run for ${waited}: it is looked at again within ${next}.`;
    case 'outputs':
      return `Its outputs are copied for ${waited}, ${count(tries, 'try', 'tries')} so far: the next follows within ${next}.`;
  }
}
