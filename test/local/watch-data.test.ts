import { expect, it, onTestFinished, vi } from 'vitest';
import { findLackOfRoom, isHeld, watchData } from '../../local/watch-data.ts';

const MB = 1024 * 1024;

function watched() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const disk = { holder: String(process.pid) as string | undefined, free: 100 * MB };
  const troubles: string[] = [];
  const watch = watchData('/data', (sentence) => troubles.push(sentence), {
    holder: () => disk.holder,
    freeBytes: () => disk.free,
  });
  return { disk, troubles, watch };
}

it('says nothing while the data are there and have room', () => {
  const { troubles, watch } = watched();

  vi.advanceTimersByTime(10_000);

  expect([watch.isSound(), troubles]).toEqual([true, []]);
});

it.each([
  [
    'deleted',
    { holder: undefined },
    /^The data in \/data were deleted .*: stopped\. Run npm start to begin anew\.$/,
  ],
  ['another start’s', { holder: '1' }, /^The data in \/data were deleted/],
  ['full', { free: 3 * MB }, /^The disk of \/data is full \(3 MB are free, 16 MB are needed\): make room, /],
])('says once that the data are %s', (_, change, sentence) => {
  const { disk, troubles, watch } = watched();

  Object.assign(disk, change);
  vi.advanceTimersByTime(10_000);

  expect(troubles).toEqual([expect.stringMatching(sentence)]);
  expect(watch.isSound()).toBe(false);
});

it('finds the trouble before a line of log is printed', () => {
  const { disk, troubles, watch } = watched();

  disk.holder = undefined;

  expect(watch.isSound()).toBe(false);
  expect(troubles).toHaveLength(1);
});

it('looks at the real disk', () => {
  expect(findLackOfRoom(import.meta.dirname)).toBeUndefined();
  expect(isHeld(import.meta.dirname)).toBe(false);
});
