import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDb,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '../../functions/aws/dynamodb.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import { TABLE } from '../../functions/store/table.ts';

/** An item in JavaScript's types. Sets are `Set`s. */
export type Item = Readonly<Record<string, unknown>>;

/**
 * Creates a table in memory with the part of DynamoDB that the store uses. A server would be too slow for simulations. The
 * store's own tests run over it, too.
 * @param turn - Awaited before each request. So the test decides the order of requests.
 * @param items - By partition and sort key. Several tables over the same items are clients of one table.
 */
export function createMemoryTable(
  turn: (operation: string) => Promise<void> = async () => undefined,
  items = new Map<string, Item>(),
): Table {
  const nameOf = (key: Item) => `${key.pk} ${key.sk}`;
  // Simulations read each item many times: it is converted once.
  const stored = new WeakMap<Item, Record<string, AttributeValue>>();
  function toStored(item: Item): Record<string, AttributeValue> {
    const known = stored.get(item);
    if (known !== undefined) return known;
    const converted = marshall(item);
    stored.set(item, converted);
    return converted;
  }

  function answer(command: unknown): object {
    if (command instanceof GetItemCommand) {
      const item = items.get(nameOf(unmarshall(command.input.Key ?? {})));
      return item === undefined ? {} : { Item: toStored(item) };
    }
    if (command instanceof PutItemCommand) {
      const { Item: given = {}, ConditionExpression, ExpressionAttributeValues = {} } = command.input;
      const item = unmarshall(given);
      const expression = new Expression({}, unmarshall(ExpressionAttributeValues));
      expression.require(ConditionExpression, items.get(nameOf(item)) ?? {});
      expression.finish();
      items.set(nameOf(item), item);
      stored.set(item, given);
      return {};
    }
    if (command instanceof DeleteItemCommand) {
      const { Key = {}, ConditionExpression, ExpressionAttributeValues = {} } = command.input;
      const name = nameOf(unmarshall(Key));
      const expression = new Expression({}, unmarshall(ExpressionAttributeValues));
      expression.require(ConditionExpression, items.get(name) ?? {});
      expression.finish();
      items.delete(name);
      return {};
    }
    if (command instanceof UpdateItemCommand) {
      const { Key = {}, UpdateExpression = '', ConditionExpression, ReturnValues } = command.input;
      const { ExpressionAttributeNames = {}, ExpressionAttributeValues = {} } = command.input;
      const key = unmarshall(Key);
      const standing = items.get(nameOf(key)) ?? key;
      const expression = new Expression(ExpressionAttributeNames, unmarshall(ExpressionAttributeValues));
      const next = expression.update(UpdateExpression, standing);
      expression.require(ConditionExpression, items.get(nameOf(key)) ?? {});
      expression.finish();
      const before = items.get(nameOf(key));
      items.set(nameOf(key), next);
      if (ReturnValues === 'ALL_OLD') return before === undefined ? {} : { Attributes: toStored(before) };
      return ReturnValues === 'ALL_NEW' ? { Attributes: toStored(next) } : {};
    }
    if (command instanceof BatchGetItemCommand) {
      const Responses = Object.entries(command.input.RequestItems ?? {}).map(([name, { Keys = [] }]) => {
        const found = Keys.map((key) => items.get(nameOf(unmarshall(key)))).filter(
          (one) => one !== undefined,
        );
        return [name, found.map(toStored)];
      });
      return { Responses: Object.fromEntries(Responses) };
    }
    if (command instanceof QueryCommand) {
      const { IndexName, KeyConditionExpression = '', ExpressionAttributeValues = {}, Limit } = command.input;
      const { ExclusiveStartKey, ScanIndexForward = true } = command.input;
      const index = Object.entries(TABLE.indexes).find(([name]) => name === IndexName)?.[1];
      const sortKey = index?.sortKey ?? TABLE.sortKey;
      const expression = new Expression({}, unmarshall(ExpressionAttributeValues));
      const placeOf = (item: Item) => `${item[sortKey]} ${nameOf(item)}`;
      const start = ExclusiveStartKey && placeOf(unmarshall(ExclusiveStartKey));
      const all = [...items.values()]
        .filter((item) => sortKey in item && expression.holds(KeyConditionExpression, item))
        .filter((item) => start === undefined || placeOf(item) > start)
        .sort((a, b) => (placeOf(a) < placeOf(b) === ScanIndexForward ? -1 : 1));
      const projected = ['pk', 'sk', sortKey, ...(index?.projected ?? [])];
      const found = all.slice(0, Limit).map((item) => (index === undefined ? item : pick(item, projected)));
      const last = found.at(-1);
      const isCut = last !== undefined && found.length === Limit;
      return {
        Items: found.map((item) => marshall(item)),
        Count: found.length,
        ...(isCut && {
          LastEvaluatedKey: marshall(
            index ? { ...last, [index.partitionKey]: '0' } : pick(last, ['pk', 'sk']),
          ),
        }),
      };
    }
    throw new Error('The table in memory does not know this command');
  }

  const client = {
    async send(command: { operation: string }) {
      await turn(command.operation);
      return answer(command);
    },
  };
  return { client: client as unknown as DynamoDb, tableName: 'memory' };
}

/** Evaluates condition and update expressions, as far as the store uses them. */
class Expression {
  /** Cached by text, because the store repeats a few expressions. */
  static readonly #tokensOf = new Map<string, readonly string[]>();
  #tokens: readonly string[] = [];
  #position = 0;
  #isInGroup = false;
  readonly #names: Readonly<Record<string, string>>;
  readonly #values: Item;
  readonly #used = new Set<string>();

  constructor(names: Readonly<Record<string, string>>, values: Item) {
    this.#names = names;
    this.#values = values;
  }

  /** DynamoDB refuses names and values that no expression uses. */
  finish(): void {
    for (const name of [...Object.keys(this.#names), ...Object.keys(this.#values)])
      if (!this.#used.has(name)) throw new Error(`Not used in any expression: ${name}`);
  }

  require(condition: string | undefined, item: Item): void {
    if (condition !== undefined && !this.holds(condition, item))
      throw new ConditionalCheckFailedException('The condition failed');
  }

  holds(condition: string, item: Item): boolean {
    this.#read(condition);
    const result = this.#or(item);
    if (this.#peek() !== undefined)
      throw new Error(`Not understood: ${this.#tokens.slice(this.#position).join(' ')}`);
    return result;
  }

  update(expression: string, item: Item): Item {
    this.#read(expression);
    const next: Record<string, unknown> = { ...item };
    let clause = '';
    while (this.#peek() !== undefined) {
      if (/^(SET|REMOVE|ADD|DELETE)$/.test(this.#peek() ?? '')) clause = this.#next();
      const name = this.#name();
      if (clause === 'SET') {
        this.#expect('=');
        next[name] = this.#assigned(item);
      } else if (clause === 'REMOVE') {
        remove(next, name.split('.'));
      } else {
        const number = this.#number(clause, item);
        if (number !== undefined) {
          next[name] = Number(item[name] ?? 0) + number;
          if (this.#peek() === ',') this.#next();
          continue;
        }
        const before = (item[name] ?? new Set()) as Set<string>;
        const given = this.#value(item) as Set<string>;
        const isAdding = clause === 'ADD';
        const after = new Set(
          isAdding ? [...before, ...given] : [...before].filter((one) => !given.has(one)),
        );
        if (after.size > 0) next[name] = after;
        else delete next[name];
      }
      if (this.#peek() === ',') this.#next();
    }
    return next;
  }

  #assigned(item: Item): unknown {
    if (this.#peek() !== 'if_not_exists') return this.#value(item);
    this.#next();
    this.#expect('(');
    const standing = item[this.#name()];
    this.#expect(',');
    const given = this.#value(item);
    this.#expect(')');
    return standing ?? given;
  }

  #or(item: Item): boolean {
    let result = this.#and(item);
    while (this.#peek() === 'OR') {
      this.#next();
      const other = this.#and(item);
      result ||= other;
    }
    return result;
  }

  #and(item: Item): boolean {
    let result = this.#one(item);
    while (this.#peek() === 'AND') {
      this.#next();
      const other = this.#one(item);
      result &&= other;
    }
    return result;
  }

  #one(item: Item): boolean {
    const token = this.#peek();
    if (token === 'NOT') {
      this.#next();
      return !this.#one(item);
    }
    if (token === '(') {
      if (this.#isInGroup)
        throw new Error('A group inside a group: dynalite takes up to a second to read it');
      this.#isInGroup = true;
      this.#next();
      const result = this.#or(item);
      this.#expect(')');
      this.#isInGroup = false;
      return result;
    }
    if (token === 'attribute_exists' || token === 'attribute_not_exists' || token === 'contains') {
      this.#next();
      this.#expect('(');
      const name = this.#name();
      if (token !== 'contains') {
        this.#expect(')');
        return name in item === (token === 'attribute_exists');
      }
      this.#expect(',');
      const value = this.#value(item);
      this.#expect(')');
      return item[name] instanceof Set && item[name].has(value);
    }
    const left = this.#value(item) as string | number | undefined;
    const operator = this.#next();
    const right = this.#value(item) as string | number | undefined;
    if (operator === '<>') return left !== right;
    if (operator === 'BETWEEN') {
      this.#expect('AND');
      const most = this.#value(item) as string | number;
      return left !== undefined && right !== undefined && right <= left && left <= most;
    }
    // A missing attribute fails every other comparison.
    if (left === undefined || right === undefined) return false;
    if (operator === '=') return left === right;
    if (operator === '<=') return left <= right;
    if (operator === '>=') return left >= right;
    return operator === '<' ? left < right : left > right;
  }

  #value(item: Item): unknown {
    const token = this.#peek() ?? '';
    if (token === 'size') {
      this.#next();
      this.#expect('(');
      const set = item[this.#name()];
      this.#expect(')');
      return set instanceof Set ? set.size : undefined;
    }
    if (!token.startsWith(':')) return valueAt(item, this.#name().split('.'));
    this.#used.add(this.#next());
    if (!(token in this.#values)) throw new Error(`Not given: ${token}`);
    return this.#values[token];
  }

  /** Returns the number that `ADD` adds, if it is one. */
  #number(clause: string, item: Item): number | undefined {
    const given = this.#values[this.#peek() ?? ''];
    return clause === 'ADD' && typeof given === 'number' ? Number(this.#value(item)) : undefined;
  }

  /** Returns the name of an attribute, or the dotted path of one in a map. */
  #name(): string {
    return this.#next()
      .split('.')
      .map((token) => this.#nameOf(token))
      .join('.');
  }

  #nameOf(token: string): string {
    if (!token.startsWith('#')) return token;
    this.#used.add(token);
    const name = this.#names[token];
    if (name === undefined) throw new Error(`Not given: ${token}`);
    return name;
  }

  #read(text: string): void {
    const tokens =
      Expression.#tokensOf.get(text) ?? text.match(/[#:]?\w+(?:\.#?\w+)*|<=|>=|<>|[=<>(),]/g) ?? [];
    Expression.#tokensOf.set(text, tokens);
    this.#tokens = tokens;
    this.#position = 0;
  }

  #peek(): string | undefined {
    return this.#tokens[this.#position];
  }

  #next(): string {
    this.#position += 1;
    return this.#tokens[this.#position - 1] ?? '';
  }

  #expect(token: string): void {
    const found = this.#next();
    if (found !== token) throw new Error(`Expected ${token} and found ${found}`);
  }
}

const pick = (item: Item, names: readonly string[]): Item =>
  Object.fromEntries(names.flatMap((name) => (name in item ? [[name, item[name]]] : [])));

function valueAt(item: Item, [name = '', ...rest]: readonly string[]): unknown {
  const value = item[name];
  return rest.length === 0 ? value : valueAt((value ?? {}) as Item, rest);
}

function remove(item: Record<string, unknown>, [name = '', ...rest]: readonly string[]): void {
  if (rest.length === 0) {
    delete item[name];
    return;
  }
  const inner = { ...(item[name] as Item) };
  remove(inner, rest);
  item[name] = inner;
}
