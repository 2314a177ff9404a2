import { randomUUID } from 'node:crypto';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '../aws/dynamodb.ts';
import type { Clock } from '../generation/time.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';
import { partition } from './keys.ts';
import { STORED_VERSION } from './stored-version.ts';
import {
  type CountedEnd,
  type Counts,
  countedSort,
  dayPartition,
  expiryOf,
  hashOf,
  labelsSort,
  type Mark,
  markName,
  marksOf,
  rowSort,
  toToken,
} from './usage-item.ts';

/** Counts ends by day (UTC), model and labels. */
export interface UsageCounter {
  /** Counts an end once, however often and from however many functions it is called. */
  count(end: CountedEnd): Promise<void>;
}

/** Label values of one day and model that have rows of their own. */
const MOST_LABEL_ROWS = 100;
/** The row of label values beyond these. */
const OTHER = '(other)';
/** The longest label value in a row. Rows must stay small, because every end writes one. */
const LONGEST_VALUE = 64;
/** An older mark was left behind by a killed function. */
const STALE_MS = 60_000;
const MOST_CLEARED = 5;

interface Row {
  readonly day: string;
  readonly sort: string;
  readonly model: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * An end is counted in three writes of one unit each:
 * 1. The row: the numbers go up, and the same write marks the end with a token. A standing mark refuses it.
 * 2. The end's own item keeps the token. The first one stands for good.
 * 3. The row: the mark goes. If another token stands in the end's item, the numbers go down in the same write.
 *
 * A call that finds a mark continues from there, so a function may be killed anywhere. A call that was slow, and counts
 * after 3, finds another token in 2 and takes its own count back. If it is killed before that, its mark stays: readers
 * leave out what it counted, and a later end of the row takes it back. So rows hold only the marks of ends that are being
 * counted. A transaction would be four units, and would fail whenever two ends of a model come at once.
 */
export function createUsageCounter(
  { client, tableName }: Table,
  {
    labelNames,
    clock = () => new Date(),
  }: {
    /** Labels to count by. */
    readonly labelNames: readonly string[];
    readonly clock?: Clock;
  },
): UsageCounter {
  async function read(pk: string, sk: string): Promise<Record<string, unknown> | undefined> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: marshall({ pk, sk }), ConsistentRead: true }),
    );
    return Item && unmarshall(Item);
  }

  const readOwn = ({ id, attempt }: Pick<Mark, 'id' | 'attempt'>) =>
    read(partition(id), countedSort(attempt));

  /** @returns The item after the write; `undefined` if the condition is not met. */
  async function update(
    key: { readonly pk: string; readonly sk: string },
    UpdateExpression: string,
    ConditionExpression: string,
    values: Readonly<Record<string, unknown>>,
    names?: Record<string, string>,
  ): Promise<Record<string, unknown> | undefined> {
    try {
      const { Attributes = {} } = await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: marshall(key),
          UpdateExpression,
          ConditionExpression,
          ...(names && { ExpressionAttributeNames: names }),
          ExpressionAttributeValues: marshall(values),
          ReturnValues: 'ALL_NEW',
        }),
      );
      return unmarshall(Attributes);
    } catch (error) {
      if (isConditionFailed(error)) return undefined;
      throw error;
    }
  }

  const keyOf = ({ day, sort }: Pick<Row, 'day' | 'sort'>) => ({ pk: dayPartition(day), sk: sort });

  /** @returns The row after the write; `undefined` if the end has a mark there. */
  const add = (row: Row, end: CountedEnd, token: string) =>
    update(
      keyOf(row),
      `SET version = :version, expiresAtSeconds = :expires, model = :model, labels = :labels, #mark = :token ${ADD}`,
      'attribute_not_exists(#mark)',
      {
        ':version': STORED_VERSION,
        ':expires': expiryOf(row.day),
        ':model': row.model,
        ':labels': row.labels,
        ':token': token,
        ...amountsOf(end.counts, 1),
      },
      { '#mark': markName(end), '#status': end.counts.status },
    );

  /** Gives the mark's end its own item, and removes the mark. Any call that finds the mark may do it. */
  async function settle(row: Pick<Row, 'day' | 'sort'>, mark: Mark): Promise<void> {
    const isSurplus = !(await keep(row.day, mark));
    const condition = '#mark = :token';
    const values = { ':token': mark.token };
    const names = { '#mark': markName(mark) };
    if (isSurplus)
      await update(
        keyOf(row),
        `REMOVE #mark ${ADD}`,
        condition,
        { ...values, ...amountsOf(mark.counts, -1) },
        { ...names, '#status': mark.counts.status },
      );
    else await update(keyOf(row), 'REMOVE #mark', condition, values, names);
  }

  /** @returns Whether this token counts for the end. `false` if another one came first. */
  async function keep(day: string, mark: Mark): Promise<boolean> {
    const { id, attempt, token } = mark;
    try {
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall({
            pk: partition(id),
            sk: countedSort(attempt),
            version: STORED_VERSION,
            token,
            expiresAtSeconds: expiryOf(day),
          }),
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
      return true;
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      return (await readOwn(mark))?.token === token;
    }
  }

  async function chooseRow({ endedAt, model, labels }: CountedEnd): Promise<Row> {
    const day = endedAt.slice(0, 10);
    const own = toRow(day, model, pick(labels, labelNames));
    if (Object.keys(own.labels).length === 0 || (await hasRoom(own))) return own;
    return toRow(day, model, Object.fromEntries(Object.keys(own.labels).map((name) => [name, OTHER])));
  }

  /** Whether these labels have a row of their own. The answer stays the same for the whole day. */
  async function hasRoom({ day, model, labels }: Row): Promise<boolean> {
    const key = { pk: dayPartition(day), sk: labelsSort(model) };
    const hash = hashOf(labels);
    const { rows } = (await read(key.pk, key.sk)) ?? {};
    const known = rows instanceof Set ? rows : new Set();
    if (known.has(hash)) return true;
    if (known.size >= MOST_LABEL_ROWS) return false;
    const added = await update(
      key,
      'SET version = :version, expiresAtSeconds = :expires ADD #rows :added',
      'attribute_not_exists(#rows) OR contains(#rows, :hash) OR size(#rows) < :most',
      {
        ':version': STORED_VERSION,
        ':expires': expiryOf(day),
        ':added': new Set([hash]),
        ':hash': hash,
        ':most': MOST_LABEL_ROWS,
      },
      { '#rows': 'rows' },
    );
    return added !== undefined;
  }

  return {
    async count(end) {
      if ((await readOwn(end)) !== undefined) return;
      const row = await chooseRow(end);
      const added = await add(row, end, toToken(end.counts, clock(), randomUUID().slice(0, 8)));
      const standing = added ?? (await read(keyOf(row).pk, row.sort)) ?? {};
      const marks = marksOf(standing);
      const mark = marks.find(({ id, attempt }) => id === end.id && attempt === end.attempt);
      // Without a mark another call has just finished.
      if (mark !== undefined) await settle(row, mark);
      const staleSince = clock().getTime() - STALE_MS;
      const stale = marks.filter((one) => one !== mark && one.markedAt < staleSince);
      for (const one of stale.slice(0, MOST_CLEARED)) await settle(row, one);
    },
  };
}

const ADD = 'ADD #status :one, costMicroUsd :cost, costUnknown :unknown';

const amountsOf = ({ costMicroUsd, isCostUnknown }: Counts, sign: 1 | -1) => ({
  ':one': sign,
  ':cost': sign * costMicroUsd,
  ':unknown': isCostUnknown ? sign : 0,
});

const toRow = (day: string, model: string, labels: Row['labels']): Row => ({
  day,
  model,
  labels,
  sort: rowSort(model, labels),
});

const pick = (labels: Row['labels'], names: readonly string[]): Row['labels'] =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = Object.hasOwn(labels, name) ? labels[name] : undefined;
      return value === undefined ? [] : [[name, shortened(value)]];
    }),
  );

const shortened = (value: string) =>
  value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE - 1).toWellFormed()}…` : value;
