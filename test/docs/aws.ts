import { readFile } from 'node:fs/promises';
import {
  DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand, type PutEventsCommandInput } from '@aws-sdk/client-eventbridge';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

// Stands in for the AWS CLI where a machine has none: the calls of the pages that the local environment answers, with
// the CLI's own spelling of options.
const [service = '', operation = '', ...rest] = process.argv.slice(2);

/** `--key-condition-expression x` becomes `KeyConditionExpression: x`; JSON is read. */
function options(): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (let place = 0; place < rest.length; place += 2) {
    const name = (rest[place] ?? '')
      .slice(2)
      .replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
    const text = rest[place + 1] ?? '';
    found[name] = /^[[{]/.test(text) ? JSON.parse(text) : text;
  }
  return found;
}

async function copy(from = '', to = ''): Promise<void> {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(to) ?? [];
  const client = new S3Client({ forcePathStyle: true });
  const ContentType = from.endsWith('.png') ? 'image/png' : 'application/json';
  await client.send(new PutObjectCommand({ Bucket, Key, Body: await readFile(from), ContentType }));
}

switch (`${service} ${operation}`) {
  case 's3 cp':
    await copy(...rest);
    break;
  case 'events put-events': {
    const answer = await new EventBridgeClient().send(
      new PutEventsCommand(options() as unknown as PutEventsCommandInput),
    );
    console.log(JSON.stringify({ FailedEntryCount: answer.FailedEntryCount }));
    break;
  }
  case 'dynamodb get-item': {
    const { Item } = await new DynamoDBClient().send(
      new GetItemCommand(options() as unknown as GetItemCommandInput),
    );
    console.log(JSON.stringify({ Item }));
    break;
  }
  case 'dynamodb query': {
    const { Query, Output, ...input } = options();
    if (Query !== 'Items[].id.S' || Output !== 'text') throw new Error('Only ids are shown here');
    const { Items = [] } = await new DynamoDBClient().send(
      new QueryCommand(input as unknown as QueryCommandInput),
    );
    console.log(Items.map(({ id }) => id?.S).join('\t'));
    break;
  }
  default:
    throw new Error(`No page calls aws ${service} ${operation}`);
}
