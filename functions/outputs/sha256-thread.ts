import type { Worker } from 'node:worker_threads';
import { type OpenSha256, openSha256 } from '../objects/running-sha256.ts';
import { log } from '../runtime/log.ts';

/** Asks for more bytes to be digested or, without any, for the end. */
interface Question {
  readonly stream: number;
  readonly bytes?: Uint8Array;
}

/** To the end of a stream: its SHA-256 in lower-case hex. */
type Answer = string | undefined;

// As text, because a function's code has no second file that a thread could start with.
const PROGRAM = `
const { createHash } = require('node:crypto');
const { parentPort } = require('node:worker_threads');
const streams = new Map();
parentPort.on('message', ({ stream, bytes }) => {
  const hash = streams.get(stream) ?? createHash('sha256');
  if (bytes) streams.set(stream, hash.update(bytes));
  else streams.delete(stream);
  parentPort.postMessage(bytes ? undefined : hash.digest('hex'));
});`;

/**
 * Digests on one further thread, which starts with the first stream and then stays. It reads bytes in shared memory where
 * they are; others are copied to it. Once it has failed, streams are digested on the caller's thread.
 */
export function createSha256Thread(): OpenSha256 {
  let thread: Worker | undefined;
  let isBroken = false;
  let streams = 0;
  /** Answered in this order. */
  const asked: PromiseWithResolvers<Answer>[] = [];

  function start(): Worker {
    // Loaded only now: most functions never start a thread.
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    const worker = new Worker(PROGRAM, { eval: true });
    worker.on('message', (answer: Answer) => {
      asked.shift()?.resolve(answer);
      if (asked.length === 0) worker.unref();
    });
    const breakDown = (error: Error) => {
      if (!isBroken) log.warn('The thread that digests outputs has failed', { error });
      isBroken = true;
      for (const { reject } of asked.splice(0)) reject(error);
    };
    worker.on('error', breakDown).on('exit', () => breakDown(new Error('The thread has ended')));
    worker.unref();
    return worker;
  }

  async function ask(worker: Worker, question: Question): Promise<Answer> {
    if (isBroken) throw new Error('The thread that digests outputs has failed');
    const answer = Promise.withResolvers<Answer>();
    worker.postMessage(question);
    asked.push(answer);
    // The process stays until it has the answer.
    worker.ref();
    return await answer.promise;
  }

  return () => {
    if (isBroken) return openSha256();
    thread ??= start();
    const worker = thread;
    streams += 1;
    const stream = streams;
    return {
      async update(bytes) {
        await ask(worker, { stream, bytes });
      },
      end: async () => String(await ask(worker, { stream })),
    };
  };
}
