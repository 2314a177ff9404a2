import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { UpdateItemCommand } from '../aws/dynamodb.ts';
import type { Generation } from '../generation/generation.ts';
import type { Moment } from '../generation/time.ts';
import { noteCallback } from '../generation/transitions/note-callback.ts';
import type { DueShards } from '../settings.ts';
import { allOf, anyOf } from './conditions.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';
import { STATE, toGeneration } from './generation-item.ts';
import { dueShardOf, partition } from './keys.ts';
import { COARSE_VERSION, readable, STORED_VERSION } from './stored-version.ts';

export interface CallbackNotes {
  /**
   * Notes a callback in one write, without a read before it. Does the same as the transition `noteCallback`.
   * @returns `undefined` if nothing was written: the generation has ended, is unknown or at another attempt, or a newer
   *   release wrote it.
   */
  note(id: string, attempt: number, taskId: string, moment: Moment): Promise<Generation | undefined>;
}

/** The states that have not ended. */
const OPEN = ['queued', 'submitting', 'running', 'collecting'] as const satisfies Generation['status'][];

/** @param noteChange - Called with the generation before and after. Not awaited. */
export function createCallbackNotes(
  { client, tableName }: Table,
  {
    dueShards = 1,
    noteChange,
  }: {
    readonly dueShards?: DueShards;
    readonly noteChange: (before: Generation, next: Generation) => void;
  },
): CallbackNotes {
  return {
    async note(id, attempt, taskId, moment) {
      const { now } = moment;
      const write = new UpdateItemCommand({
        TableName: tableName,
        Key: marshall({ pk: partition(id), sk: STATE }),
        UpdateExpression:
          'SET #callback = :callback, dueAt = :now, dueShard = :shard, updatedAt = :now ADD revision :one',
        // Only states that have not ended, of a form that this release knows: exact, or claimed with a coarse status.
        ConditionExpression: allOf(
          'attempt = :attempt',
          anyOf('version = :version', 'version = :coarse'),
          anyOf(...OPEN.map((status) => `#status = :${status}`)),
          anyOf('version = :version', 'attribute_exists(claim)'),
          anyOf('version = :version', '#status = :queued', '#status = :running'),
        ),
        ExpressionAttributeNames: { '#callback': 'callback', '#status': 'status' },
        ExpressionAttributeValues: marshall({
          ':callback': { seenAt: now, taskId },
          ':now': now,
          ':shard': dueShardOf(id, dueShards),
          ':one': 1,
          ':attempt': attempt,
          ':version': STORED_VERSION,
          ':coarse': COARSE_VERSION,
          ...Object.fromEntries(OPEN.map((status) => [`:${status}`, status])),
        }),
        ReturnValues: 'ALL_OLD',
      });
      try {
        const { Attributes = {} } = await client.send(write);
        const before = toGeneration(readable(unmarshall(Attributes), `the generation ${id}`));
        const noted = noteCallback(before, attempt, taskId, moment);
        const generation = { ...noted, revision: before.revision + 1, updatedAt: now };
        noteChange(before, generation);
        return generation;
      } catch (error) {
        if (isConditionFailed(error)) return undefined;
        throw error;
      }
    },
  };
}
