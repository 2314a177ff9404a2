/** `$0.00234`: as many digits as the amount has. */
export const formatUsd = (usd: number): string =>
  usd.toLocaleString('en', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: 2,
    maximumFractionDigits: 6,
  });

export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1_000 && unit < units.length - 1; unit += 1) value /= 1_000;
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

export const formatTime = (time: string): string =>
  new Date(time).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** `12 seconds`, `3 minutes`, `2 hours`, `5 days`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 90) return count(seconds, 'second');
  if (seconds < 90 * 60) return count(Math.round(seconds / 60), 'minute');
  if (seconds < 48 * 3_600) return count(Math.round(seconds / 3_600), 'hour');
  return count(Math.round(seconds / 86_400), 'day');
}

export const count = (number: number, thing: string, several = `${thing}s`): string =>
  `${number.toLocaleString('en')} ${number === 1 ? thing : several}`;
