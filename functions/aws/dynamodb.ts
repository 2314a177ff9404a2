// Only types: the client itself would cost more at a cold start than the rest of a function.
import type * as sdk from '@aws-sdk/client-dynamodb';
import { isRecord, parseJson } from '../runtime/json.ts';
import { NoAnswerError } from './exchange.ts';
import { createRepeat, type Fault, type Tried } from './retries.ts';
import { saidIn } from './said.ts';
import { type PostAnswer, type PostOptions, signedPost } from './signed-post.ts';

export type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** One request to DynamoDB, in the SDK's words. Its values hold no binary. */
export abstract class Command<Input, Output> {
  abstract readonly operation: string;
  readonly input: Input;
  /** Only a type. */
  declare readonly output?: Output;

  constructor(input: Input) {
    this.input = input;
  }
}

export class GetItemCommand extends Command<sdk.GetItemCommandInput, Sent<sdk.GetItemCommandOutput>> {
  readonly operation = 'GetItem';
}

export class PutItemCommand extends Command<sdk.PutItemCommandInput, Sent<sdk.PutItemCommandOutput>> {
  readonly operation = 'PutItem';
}

export class UpdateItemCommand extends Command<
  sdk.UpdateItemCommandInput,
  Sent<sdk.UpdateItemCommandOutput>
> {
  readonly operation = 'UpdateItem';
}

export class DeleteItemCommand extends Command<
  sdk.DeleteItemCommandInput,
  Sent<sdk.DeleteItemCommandOutput>
> {
  readonly operation = 'DeleteItem';
}

export class QueryCommand extends Command<sdk.QueryCommandInput, Sent<sdk.QueryCommandOutput>> {
  readonly operation = 'Query';
}

export class BatchGetItemCommand extends Command<
  sdk.BatchGetItemCommandInput,
  Sent<sdk.BatchGetItemCommandOutput>
> {
  readonly operation = 'BatchGetItem';
}

type Sent<Output> = Omit<Output, '$metadata'>;

/** What DynamoDB or the way to it has refused. `name` is DynamoDB's own. */
export class DynamoDbError extends Error {
  override readonly name: string;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** The condition of a write did not hold. */
export class ConditionalCheckFailedException extends DynamoDbError {
  constructor(message = 'The conditional request failed') {
    super('ConditionalCheckFailedException', message);
  }
}

export interface DynamoDbOptions extends Omit<PostOptions, 'signal' | 'answerMs'> {
  /** How long one try waits for its answer, in milliseconds. @default 5,000 */
  readonly answerMs?: number;
  /** @default 5 */
  readonly tries?: number;
  /** Sends one try. @default - over HTTP */
  readonly post?: typeof signedPost;
}

/** Sends one request. */
export interface DynamoDb {
  /**
   * Repeats a request that was throttled, met a fault of DynamoDB or was not answered, as the SDK does.
   * @throws {DynamoDbError} If DynamoDB refuses it.
   * @throws {NoAnswerError} If it is not answered.
   */
  send<Output>(
    command: Command<object, Output>,
    options?: { readonly abortSignal?: AbortSignal },
  ): Promise<Output>;
}

const DYNAMODB = { name: 'dynamodb', endpointVariable: 'DYNAMODB' };

/** A client of DynamoDB for the few requests that the functions make. Connections stay open between invocations. */
export class DynamoDBClient implements DynamoDb {
  readonly #options: DynamoDbOptions;
  readonly #repeat = createRepeat();

  constructor(options: DynamoDbOptions = {}) {
    this.#options = options;
  }

  async send<Output>(
    command: Command<object, Output>,
    { abortSignal: signal }: { readonly abortSignal?: AbortSignal } = {},
  ): Promise<Output> {
    const { tries = 5, answerMs = 5_000, post: _, ...where } = this.#options;
    const send = () => this.#post(command, { ...where, answerMs, signal });
    return (await this.#repeat(send, { tries, signal })) as Output;
  }

  async #post({ operation, input }: Command<object, unknown>, options: PostOptions): Promise<Tried<unknown>> {
    let answer: PostAnswer;
    try {
      answer = await (this.#options.post ?? signedPost)(
        DYNAMODB,
        {
          path: '/',
          headers: {
            'content-type': 'application/x-amz-json-1.0',
            'x-amz-target': `DynamoDB_20120810.${operation}`,
          },
          body: JSON.stringify(input),
        },
        options,
      );
    } catch (error) {
      if (error instanceof NoAnswerError) return { kind: 'failed', error, fault: 'passing' };
      throw error;
    }
    const body = parseJson(answer.text);
    if (answer.statusCode < 300 && isRecord(body)) return { kind: 'answered', output: body };
    return { kind: 'failed', ...judge(answer, isRecord(body) ? body : {}) };
  }
}

interface Failure {
  readonly error: Error;
  readonly fault: Fault;
  /** How long DynamoDB asks to wait. */
  readonly askedMs?: number;
}

const THROTTLED =
  /^(?:ProvisionedThroughputExceeded|Throttling|RequestLimitExceeded|LimitExceeded|TooManyRequests|RequestThrottled|Throttled|TransactionInProgress)(?:Exception)?$/;
const PASSING = /^(?:TimeoutError|RequestTimeout(?:Exception)?)$/;

function judge(
  { statusCode, headers, isClockCorrected }: PostAnswer,
  body: Readonly<Record<string, unknown>>,
): Failure {
  const named = headers['x-amzn-errortype'] ?? body.__type ?? 'UnknownError';
  const name = String(named).split('#').at(-1)?.split(':')[0] ?? '';
  const unread = statusCode < 300 ? ' without an object of JSON' : '';
  const message = saidIn(body) ?? `DynamoDB answered ${statusCode}${unread}`;
  if (name === 'ConditionalCheckFailedException')
    return { error: new ConditionalCheckFailedException(message), fault: 'lasting' };
  const isExpired = name === 'InvalidSignatureException' && message.includes('Signature expired');
  const isPassing =
    // An answer that cannot be read is as good as none.
    statusCode < 300 ||
    [500, 502, 503, 504].includes(statusCode) ||
    PASSING.test(name) ||
    isClockCorrected ||
    isExpired;
  const isThrottled = statusCode === 429 || THROTTLED.test(name);
  return {
    error: new DynamoDbError(name, message),
    fault: isThrottled ? 'throttled' : isPassing ? 'passing' : 'lasting',
    askedMs: Number(headers['x-amz-retry-after'] ?? Number(headers['retry-after']) * 1_000) || 0,
  };
}
