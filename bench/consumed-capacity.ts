import { TABLE } from '../functions/store/table.ts';

/** An attribute's value in DynamoDB's JSON: `{"S": "…"}`. */
export type Attribute = Readonly<Record<string, unknown>>;
export type Item = Readonly<Record<string, Attribute>>;

export interface Capacity {
  readonly writeUnits: number;
  readonly readUnits: number;
}

const WRITE_UNIT = 1_024;
const READ_UNIT = 4_096;

/**
 * The write units for replacing `before` with `after`: those of the larger item in the table, plus those of every index
 * that changes. A change of an index's key is a deletion and an insertion.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html and GSI.html, "write capacity"
 */
export function writeUnits(before: Item | undefined, after: Item | undefined): number {
  const indexes = Object.values(indexWriteUnits(before, after));
  return indexes.reduce((sum, one) => sum + one, tableWriteUnits(before, after));
}

/** Those of the table alone. */
export const tableWriteUnits = (before: Item | undefined, after: Item | undefined): number =>
  units(Math.max(sizeOf(before), sizeOf(after)));

/** Those of each index alone. */
export function indexWriteUnits(before: Item | undefined, after: Item | undefined): Record<string, number> {
  return Object.fromEntries(
    Object.entries(TABLE.indexes).map(([name, index]) => [
      name,
      indexUnits(entryOf(index, before), entryOf(index, after)),
    ]),
  );
}

/** The read units for one request that returns `items`. An empty result costs as much as a small item. */
export function readUnits(items: readonly Item[], isConsistent: boolean): number {
  const bytes = items.reduce((sum, item) => sum + sizeOf(item), 0);
  return Math.max(1, Math.ceil(bytes / READ_UNIT)) * (isConsistent ? 1 : 0.5);
}

interface Entry {
  readonly key: string;
  readonly text: string;
  readonly sizeBytes: number;
}

type Index = (typeof TABLE.indexes)[keyof typeof TABLE.indexes];

/** The index's entry for an item, or `undefined` for an item without the index's keys. */
function entryOf({ partitionKey, sortKey, projected }: Index, item: Item | undefined): Entry | undefined {
  if (item?.[partitionKey] === undefined || item[sortKey] === undefined) return undefined;
  const names = [...new Set([TABLE.partitionKey, TABLE.sortKey, partitionKey, sortKey, ...projected])];
  const entry = Object.fromEntries(
    names.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]])),
  );
  return {
    key: JSON.stringify([item[partitionKey], item[sortKey]]),
    text: JSON.stringify(entry),
    sizeBytes: sizeOf(entry),
  };
}

function indexUnits(before: Entry | undefined, after: Entry | undefined): number {
  if (before === undefined || after === undefined) {
    const only = before ?? after;
    return only === undefined ? 0 : units(only.sizeBytes);
  }
  if (before.key !== after.key) return units(before.sizeBytes) + units(after.sizeBytes);
  return before.text === after.text ? 0 : units(Math.max(before.sizeBytes, after.sizeBytes));
}

const units = (bytes: number) => Math.max(1, Math.ceil(bytes / WRITE_UNIT));

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
export function sizeOf(item: Item | undefined): number {
  return Object.entries(item ?? {}).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOfValue(value),
    0,
  );
}

function sizeOfValue(attribute: Attribute): number {
  const [[type, value] = ['', undefined]] = Object.entries(attribute);
  switch (type) {
    case 'S':
      return Buffer.byteLength(String(value));
    case 'N':
      return Math.ceil(String(value).replace(/[-.]/g, '').length / 2) + 1;
    case 'B':
      return Buffer.from(String(value), 'base64').length;
    case 'SS':
      return (value as string[]).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    case 'L':
      return (value as Attribute[]).reduce((sum, one) => sum + 1 + sizeOfValue(one), 3);
    case 'M':
      return Object.entries(value as Item).reduce(
        (sum, [name, one]) => sum + 1 + Buffer.byteLength(name) + sizeOfValue(one),
        3,
      );
    default:
      return 1; // BOOL and NULL
  }
}
