/**
 * Keys and indexes of the one table. The stack, the embedded environment and the store use them.
 * Every attribute named here is a string.
 */
export const TABLE = {
  partitionKey: 'pk',
  sortKey: 'sk',
  /** Seconds since 1970. For housekeeping only: DynamoDB may be days late. */
  ttlAttribute: 'expiresAtSeconds',
  indexes: {
    /** Every generation with work left, by the time to look at it. It only nominates: decisions are made on the item. */
    due: { partitionKey: 'dueShard', sortKey: 'dueAt', projected: [] },
    /** Generations that wait for a slot at the gate, oldest first. */
    waiting: { partitionKey: 'waitingShard', sortKey: 'waitingKey', projected: [] },
    /** Every generation by the month it was accepted in. Projects nothing that changes with every write: each costs. */
    history: {
      partitionKey: 'historyMonth',
      sortKey: 'historyKey',
      projected: ['id', 'model', 'status', 'attempt', 'createdAt', 'costUsd', 'errorCode'],
    },
  },
} as const;
