import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { timestamp } from '../../../functions/generation/time.ts';
import type { AskS3, S3Request } from '../../../functions/objects/ask-s3.ts';
import type { FoundObject, ObjectRef } from '../../../functions/objects/types.ts';
import type { Container } from './containers.ts';
import { Player, type S3Answer, type Script } from './script.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface StoredObject {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly contentType: string | undefined;
  readonly lastModified: Date;
}

/** S3 in memory: as much of it as the functions ask for, with the script's refusals. */
export class Objects {
  readonly stored = new Map<string, StoredObject>();
  isHealed = false;
  readonly #time: VirtualTime;
  readonly #readInput: Player<S3Answer>;
  readonly #putOutput: Player<S3Answer>;
  readonly #results: Script['results'];

  constructor(time: VirtualTime, script: Script) {
    this.#time = time;
    this.#readInput = new Player(script.readInput);
    this.#putOutput = new Player(script.putOutput);
    this.#results = script.results;
  }

  put(bucket: string, key: string, body: string | Uint8Array, contentType?: string): StoredObject {
    const bytes = Buffer.from(body);
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    const object = { bytes, etag, contentType, lastModified: new Date(this.#time.now) };
    this.stored.set(`${bucket}/${key}`, object);
    return object;
  }

  /** The SDK's client as one container has it. */
  createClientClass(container: Container) {
    const answer = (command: unknown) => this.#answer(command);
    return class {
      readonly config = {
        credentials: async () => ({ accessKeyId: 'id', secretAccessKey: 'secret' }),
        region: async () => 'us-east-1',
      };

      send(
        command: { readonly input: Readonly<Record<string, unknown>> },
        options?: { abortSignal?: AbortSignal },
      ) {
        const operation = command.constructor.name.replace(/Command$/, '');
        const subject = String(command.input.Key ?? '');
        const sent = container.outside({ service: 's3', operation, subject, latencyMs: 20 }, () =>
          answer(command),
        );
        return untilAborted(sent, options?.abortSignal);
      }

      destroy(): void {}
    };
  }

  /** How one container asks S3 without the SDK. */
  createAskS3(container: Container): AskS3 {
    return (request, signal) => {
      const { method, key: subject = '', query = {} } = request;
      const operation =
        'uploads' in query ? 'ListMultipartUploads' : method === 'PUT' ? 'PutObject' : 'HeadObject';
      const call = { service: 's3', operation, subject, latencyMs: 20 } as const;
      return untilAborted(
        container.outside(call, () => ({ statusCode: 200, ...this.#answerTo(request) })),
        signal,
      );
    };
  }

  #answerTo({ method, bucket, key = '', headers = {}, body = '', query = {} }: S3Request) {
    if ('uploads' in query) return { headers: {}, text: '' };
    if (method === 'PUT') {
      const { ETag } = this.#put(bucket, key, body, {
        contentType: headers['content-type'],
        isNew: headers['if-none-match'] !== undefined,
      });
      return { headers: { etag: ETag }, text: '' };
    }
    if (method !== 'HEAD') throw new Error(`S3 in memory does not know ${method} ${Object.keys(query)}`);
    const found = this.#find(bucket, key);
    if (found === undefined) throw refusal(404, 'NotFound');
    const { bytes, etag, contentType } = found;
    return {
      headers: {
        etag,
        'content-length': String(bytes.length),
        ...(contentType !== undefined && { 'content-type': contentType }),
      },
      text: '',
    };
  }

  #put(
    bucket: string,
    key: string,
    body: string | Uint8Array,
    {
      contentType,
      isNew,
      ifMatch,
    }: { contentType: string | undefined; isNew: boolean; ifMatch?: string | undefined },
  ): { readonly ETag: string } {
    if (key.startsWith('outputs/')) this.#meet(this.#putOutput);
    const standing = this.#find(bucket, key);
    if (isNew && standing !== undefined) throw refusal(412, 'PreconditionFailed');
    if (ifMatch !== undefined && standing?.etag !== ifMatch) throw refusal(412, 'PreconditionFailed');
    return { ETag: this.put(bucket, key, body, contentType).etag };
  }

  /** The answer to a HEAD that is sent without the SDK. */
  head(container: Container, { bucket, key }: ObjectRef): Promise<FoundObject | undefined> {
    const call = { service: 's3', operation: 'HeadObject', subject: key, latencyMs: 20 } as const;
    return container.outside(call, () => {
      const found = this.#find(bucket, key);
      if (found === undefined) return undefined;
      const { bytes, etag, contentType, lastModified } = found;
      return {
        bucket,
        key,
        etag,
        sizeBytes: bytes.length,
        ...(contentType !== undefined && { contentType }),
        lastModified: timestamp(lastModified),
      };
    });
  }

  #answer(command: unknown): object {
    if (command instanceof PutObjectCommand) {
      const { Bucket = '', Key = '', Body, ContentType, IfNoneMatch, IfMatch } = command.input;
      return this.#put(Bucket, Key, Body as string | Uint8Array, {
        contentType: ContentType,
        isNew: IfNoneMatch !== undefined,
        ifMatch: IfMatch,
      });
    }
    if (command instanceof GetObjectCommand || command instanceof HeadObjectCommand) {
      const { Bucket = '', Key = '', IfMatch } = command.input;
      if (
        command instanceof GetObjectCommand &&
        Bucket === 'photos' &&
        !/^(requests|results|rejected)\//.test(Key)
      )
        this.#meet(this.#readInput);
      const found = this.#find(Bucket, Key);
      const isHead = command instanceof HeadObjectCommand;
      if (found === undefined) throw refusal(404, isHead ? 'NotFound' : 'NoSuchKey');
      if (IfMatch !== undefined && unquoted(found.etag) !== unquoted(IfMatch))
        throw refusal(412, 'PreconditionFailed');
      const described = {
        ETag: found.etag,
        ContentLength: found.bytes.length,
        LastModified: found.lastModified,
        ...(found.contentType !== undefined && { ContentType: found.contentType }),
      };
      if (isHead) return described;
      const Body = Object.assign(Readable.from([found.bytes]), {
        transformToString: async () => found.bytes.toString('utf8'),
        transformToByteArray: async () => found.bytes,
      });
      return { ...described, Body };
    }
    if (command instanceof DeleteObjectCommand) {
      this.stored.delete(`${command.input.Bucket}/${command.input.Key}`);
      return {};
    }
    throw new Error(`S3 in memory does not know ${String((command as object)?.constructor?.name)}`);
  }

  /** Where results are written, somebody may have put something else. */
  #find(bucket: string, key: string): StoredObject | undefined {
    const stored = this.stored.get(`${bucket}/${key}`);
    if (!key.startsWith('results/') || this.isHealed || this.#results === 'right') return stored;
    const bytes = this.#results === 'huge' ? hugeBytes() : Buffer.from('{"results": [');
    return { etag: '"strange"', contentType: undefined, lastModified: new Date(this.#time.now), bytes };
  }

  #meet(player: Player<S3Answer>): void {
    if (this.isHealed) return;
    const answer = player.next();
    if (answer.kind === 'error') throw refusal(answer.status, answer.name);
  }
}

function refusal(httpStatusCode: number, name: string): S3ServiceException {
  return new S3ServiceException({
    name,
    message: 'As the script says',
    $fault: 'client',
    $metadata: { httpStatusCode },
  });
}

let huge: Buffer | undefined;

/** More than any function reads. */
function hugeBytes(): Buffer {
  huge ??= Buffer.alloc(65 * 1024 * 1024, ' ');
  return huge;
}

const unquoted = (etag: string) => etag.replaceAll('"', '');

/** Rejects as soon as the signal says so, whatever becomes of the work. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
