import type { Durations } from '../settings.ts';

/** A moment as ISO 8601 in UTC with milliseconds. Sorts as text and reads as a date. */
export type Timestamp = string;

/** Gives the current time. Passed in, so that tests control it. */
export type Clock = () => Date;

export const timestamp = (moment: Date | number): Timestamp => new Date(moment).toISOString();

export const after = (moment: Timestamp, milliseconds: number): Timestamp =>
  timestamp(Date.parse(moment) + milliseconds);

/** The earlier of two moments. The second one, if there is no first. */
export const earlier = (one: Timestamp | undefined, other: Timestamp): Timestamp =>
  one !== undefined && one < other ? one : other;

/**
 * Doubles from `first` with every `count` from 0, up to `longest`, in milliseconds.
 * @param least - The wait that the other side asked for. It is not exceeded beyond `longest` either.
 */
export const backOff = (count: number, first: number, longest: number, least = 0): number =>
  Math.min(Math.max(first * 2 ** Math.min(count, 30), least), longest);

/** What a decision knows of time: the current time, and how long things take in this deployment. */
export interface Moment {
  readonly now: Timestamp;
  readonly durations: Durations;
}
