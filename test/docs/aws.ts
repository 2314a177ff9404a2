import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand, type PutEventsCommandInput } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

// Stands in for the AWS CLI where a machine has none: the calls of the pages and samples that the local environment
// answers, with the CLI's own spelling of options.
const [service = '', operation = '', ...rest] = process.argv.slice(2);

const flags: Record<string, string> = {};
const words: string[] = [];
for (let place = 0; place < rest.length; place += 1) {
  const word = rest[place] ?? '';
  if (word.startsWith('--')) {
    place += 1;
    flags[word.slice(2)] = rest[place] ?? '';
  } else words.push(word);
}
const { 'endpoint-url': endpoint, region, ...given } = flags;
const aws = { ...(endpoint !== undefined && { endpoint }), ...(region !== undefined && { region }) };

/** `--key-condition-expression x` becomes `KeyConditionExpression: x`; files and JSON are read. */
async function options(): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [flag, value] of Object.entries(given)) {
    const name = flag.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
    const text = value.startsWith('file://') ? await readFile(value.slice('file://'.length), 'utf8') : value;
    found[name] = /^[[{]/.test(text) ? JSON.parse(text) : text;
  }
  return found;
}

function placeOf(url: string) {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(url) ?? [];
  return { Bucket, Key };
}

async function copy(from = '', to = ''): Promise<void> {
  const client = new S3Client({ ...aws, forcePathStyle: true });
  if (from.startsWith('s3://')) {
    const { Body } = await client.send(new GetObjectCommand(placeOf(from)));
    await writeFile(to, (await Body?.transformToByteArray()) ?? '');
    return;
  }
  const ContentType = given['content-type'] ?? (from.endsWith('.png') ? 'image/png' : 'application/json');
  const Body = await readFile(from === '-' ? '/dev/stdin' : from);
  const place = placeOf(to.endsWith('/') ? `${to}${path.basename(from)}` : to);
  await client.send(new PutObjectCommand({ ...place, Body, ContentType }));
}

switch (`${service} ${operation}`) {
  case 's3 cp':
    await copy(...words);
    break;
  case 'events put-events': {
    const answer = await new EventBridgeClient(aws).send(
      new PutEventsCommand((await options()) as unknown as PutEventsCommandInput),
    );
    console.log(JSON.stringify({ FailedEntryCount: answer.FailedEntryCount }));
    break;
  }
  case 'dynamodb get-item': {
    const { Item } = await new DynamoDBClient(aws).send(
      new GetItemCommand((await options()) as unknown as GetItemCommandInput),
    );
    console.log(JSON.stringify({ Item }));
    break;
  }
  case 'dynamodb query': {
    const { Query, Output, ...input } = await options();
    if (Query !== 'Items[].id.S' || Output !== 'text') throw new Error('Only ids are shown here');
    const { Items = [] } = await new DynamoDBClient(aws).send(
      new QueryCommand(input as unknown as QueryCommandInput),
    );
    console.log(Items.map(({ id }) => id?.S).join('\t'));
    break;
  }
  case 'cloudformation describe-stacks': {
    const [, output] = /OutputKey=='(\w+)'/.exec(String((await options()).Query)) ?? [];
    if (output !== 'TableName') throw new Error('Only the name of the table is known here');
    console.log(process.env.TABLE);
    break;
  }
  default:
    throw new Error(`No page calls aws ${service} ${operation}`);
}
