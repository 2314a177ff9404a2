import { marshall } from '@aws-sdk/util-dynamodb';
import { UpdateItemCommand } from '../aws/dynamodb.ts';
import type { TaskHint } from '../generation/task-hint.ts';
import type { Table } from './dynamodb.ts';
import { partition } from './keys.ts';
import { STORED_VERSION } from './stored-version.ts';

export interface TaskHints {
  /**
   * Keeps a hint. Of one attempt, the first and the latest hint are kept.
   * @returns Whether it is the first of its attempt.
   */
  keep(id: string, hint: TaskHint): Promise<boolean>;
}

/** Keeps hints in items of their own: the state of an ended generation does not change. */
export function createTaskHints({ client, tableName }: Table): TaskHints {
  return {
    async keep(id, { attempt, ...hint }) {
      const { Attributes } = await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: marshall({ pk: partition(id), sk: `${HINT}${attempt}` }),
          UpdateExpression: 'SET #first = if_not_exists(#first, :hint), latest = :hint, version = :version',
          ExpressionAttributeNames: { '#first': 'first' },
          ExpressionAttributeValues: marshall({ ':hint': hint, ':version': STORED_VERSION }),
          ReturnValues: 'ALL_OLD',
        }),
      );
      return Attributes === undefined || Object.keys(Attributes).length === 0;
    },
  };
}

/** Begins the sort keys of hints. */
export const HINT = 'hint#';

/** Reads the hints in a stored item. */
export function toHints({ sk, first, latest }: Readonly<Record<string, unknown>>): readonly TaskHint[] {
  const attempt = Number(String(sk).slice(HINT.length));
  // Only this file writes these items, so they are read as written.
  const [one, other] = [first, latest] as Omit<TaskHint, 'attempt'>[];
  return [other, one].flatMap((hint, index) =>
    hint === undefined || (index > 0 && hint.taskId === other?.taskId) ? [] : [{ attempt, ...hint }],
  );
}
