/**
 * The one table: its keys and indexes, for the stack, the embedded environment and the store.
 * Every attribute named here is a string.
 */
export const TABLE = {
  partitionKey: 'pk',
  sortKey: 'sk',
  /** Seconds since 1970. Housekeeping only: DynamoDB may be days late. */
  ttlAttribute: 'expiresAtSeconds',
  indexes: {
    /** Everything with work left, by when to look at it. Nominates only: decisions are made on the item. */
    due: { partitionKey: 'dueShard', sortKey: 'dueAt', projected: [] },
    /** Generations that wait for a slot at the gate, oldest first. */
    waiting: { partitionKey: 'waitingShard', sortKey: 'waitingKey', projected: [] },
    /** Every generation by the month it was accepted in. Not what changes with every write: each change is billed. */
    history: {
      partitionKey: 'historyMonth',
      sortKey: 'historyKey',
      projected: ['id', 'model', 'status', 'attempt', 'createdAt', 'costUsd', 'errorCode'],
    },
  },
} as const;
