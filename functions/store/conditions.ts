// Groups of conditions stand side by side, never one inside another: dynalite takes a second to read some nested ones.

/** One group, which holds if one of its conditions does. */
export const anyOf = (...conditions: readonly string[]): string => `(${conditions.join(' OR ')})`;

/** Holds if all groups do. */
export const allOf = (...groups: readonly string[]): string => groups.join(' AND ');
