import { notImplemented, requireMembers, requireValue } from './aws-endpoint.ts';

const TABLE = ['TableName'];
const CONSUMED = ['ReturnConsumedCapacity'];
const NAMES = ['ExpressionAttributeNames'];
const EXPRESSION = [...NAMES, 'ExpressionAttributeValues'];
const WRITE = [
  ...TABLE,
  ...CONSUMED,
  ...EXPRESSION,
  'ConditionExpression',
  'ConditionalOperator',
  'Expected',
  'ReturnItemCollectionMetrics',
  'ReturnValues',
  'ReturnValuesOnConditionCheckFailure',
];
const READ = [...TABLE, ...CONSUMED, ...NAMES, 'AttributesToGet', 'ConsistentRead', 'ProjectionExpression'];
const PAGE = [
  ...READ,
  'ConditionalOperator',
  'ExclusiveStartKey',
  'ExpressionAttributeValues',
  'FilterExpression',
  'IndexName',
  'Limit',
  'Select',
];

/** The members of each operation's input that dynalite honours. It ignores all others. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  BatchGetItem: [...CONSUMED, 'RequestItems'],
  BatchWriteItem: [...CONSUMED, 'RequestItems', 'ReturnItemCollectionMetrics'],
  CreateTable: [
    ...TABLE,
    'AttributeDefinitions',
    'BillingMode',
    'DeletionProtectionEnabled',
    'GlobalSecondaryIndexes',
    'KeySchema',
    'LocalSecondaryIndexes',
    'ProvisionedThroughput',
    'TableClass',
  ],
  DeleteItem: [...WRITE, 'Key'],
  DeleteTable: TABLE,
  DescribeTable: TABLE,
  DescribeTimeToLive: TABLE,
  GetItem: [...READ, 'Key'],
  ListTables: ['ExclusiveStartTableName', 'Limit'],
  ListTagsOfResource: ['ResourceArn'],
  PutItem: [...WRITE, 'Item'],
  Query: [...PAGE, 'KeyConditionExpression', 'KeyConditions', 'QueryFilter', 'ScanIndexForward'],
  Scan: [...PAGE, 'ScanFilter', 'Segment', 'TotalSegments'],
  TagResource: ['ResourceArn', 'Tags'],
  UntagResource: ['ResourceArn', 'TagKeys'],
  UpdateItem: [...WRITE, 'AttributeUpdates', 'Key', 'UpdateExpression'],
  UpdateTable: [...TABLE, 'BillingMode', 'GlobalSecondaryIndexUpdates', 'ProvisionedThroughput'],
};

/** Members of which only the listed values have their effect. */
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  DeletionProtectionEnabled: [false],
  ReturnItemCollectionMetrics: ['NONE'],
  ReturnValuesOnConditionCheckFailure: ['NONE'],
  TableClass: ['STANDARD'],
};

const INDEX_MEMBERS = ['IndexName', 'KeySchema', 'Projection', 'ProvisionedThroughput'];

/**
 * Refuses what dynalite would ignore. Leaves everything that dynalite refuses to dynalite.
 * @throws {AwsError} `NotImplemented`, 501.
 */
export function requireSupported(target: string, body: Buffer): void {
  const operation = target.replace(/^DynamoDB_20120810\./, '');
  const input = parse(body);
  if (input === undefined || operation === target) return;
  const members = Object.hasOwn(MEMBERS, operation) ? MEMBERS[operation] : undefined;
  if (members === undefined)
    throw notImplemented(`The embedded DynamoDB does not support the operation "${operation}".`);
  requireMembers(input, members, operation);
  for (const [name, supported] of Object.entries(VALUES)) requireValue(name, input[name], supported);
  if (Array.isArray(input.GlobalSecondaryIndexes))
    for (const index of input.GlobalSecondaryIndexes)
      if (isRecord(index)) requireMembers(index, INDEX_MEMBERS, 'GlobalSecondaryIndexes');
}

function parse(body: Buffer): Record<string, unknown> | undefined {
  try {
    const input: unknown = JSON.parse(body.toString('utf8'));
    return isRecord(input) ? input : undefined;
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
