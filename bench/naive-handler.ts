import { createHmac, timingSafeEqual } from 'node:crypto';
import { DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';

// As many calls to AWS as `api` and `callback` make, written as one would write them first.
const dynamodb = new DynamoDBClient({});
const lambda = new LambdaClient({});
const s3 = new S3Client({});
const ssm = new SSMClient({});
const TableName = 'bench';

export async function handler(event: { rawPath: string; body: string }): Promise<{ statusCode: number }> {
  const { Parameters = [] } = await ssm.send(
    new GetParametersCommand({ Names: ['/wiro/bench/callback-secret'], WithDecryption: true }),
  );
  const secret = Parameters[0]?.Value ?? '';
  return event.rawPath === '/generations' ? accept(event.body) : note(event.rawPath, secret);
}

async function accept(body: string) {
  const { inputs } = JSON.parse(body);
  await s3.send(new HeadObjectCommand({ Bucket: 'bench', Key: inputs.inputImage }));
  const pk = { S: 'generation#1' };
  await dynamodb.send(
    new PutItemCommand({ TableName, Item: { pk, sk: { S: 'request' }, body: { S: body } } }),
  );
  await dynamodb.send(new PutItemCommand({ TableName, Item: { pk, sk: { S: 'state' } } }));
  await invoke({ submit: 1 });
  return { statusCode: 202 };
}

async function note(path: string, secret: string) {
  const [deployment, id = '', attempt = '', signature = ''] = path.split('/').slice(-4);
  const expected = createHmac('sha256', secret).update(`${deployment}/${id}/${attempt}`).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) return { statusCode: 403 };
  await dynamodb.send(
    new UpdateItemCommand({
      TableName,
      Key: { pk: { S: `generation#${id}` }, sk: { S: 'state' } },
      UpdateExpression: 'SET calledAt = :now',
      ConditionExpression: 'attempt = :attempt',
      ExpressionAttributeValues: { ':now': { S: new Date().toISOString() }, ':attempt': { N: attempt } },
    }),
  );
  await invoke({ collect: id });
  return { statusCode: 200 };
}

const invoke = (event: object) =>
  lambda.send(
    new InvokeCommand({ FunctionName: 'bench', InvocationType: 'Event', Payload: JSON.stringify(event) }),
  );
