import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { openJournal } from '../../../cli/batch/journal.ts';
import { RefusedFilesError, sendRows } from '../../../cli/batch/send-rows.ts';
import {
  type Generation,
  type Submission,
  UnreachableError,
  WiroServerlessError,
} from '../../../client/index.ts';
import { temporaryFolder } from '../support.ts';

const folder = temporaryFolder();
type Submit = (request: Submission) => Generation;

/** A deployment that answers a key once accepted with its generation, and refuses another request of that key. */
function world(answer: Submit = ({ idempotencyKey }) => accepted(idempotencyKey ?? '')) {
  const standing = new Map<string, string>();
  const submitted: Submission[] = [];
  let uploads = 0;
  const refused: string[] = [];
  const pauses: number[] = [];
  const stop = new AbortController();
  return {
    standing,
    submitted,
    refused,
    pauses,
    stop,
    uploads: () => uploads,
    journal: () =>
      openJournal({ file: folder.file('j.jsonl'), deployment: 'd', batch: 'b', now: () => new Date() }),
    send(rows: Parameters<typeof sendRows>[1], journal: ReturnType<typeof openJournal>, atOnce = 1) {
      return sendRows(
        {
          client: {
            upload: async (_, { name }) => {
              if (name.endsWith('.bmp')) throw refusal('input_unsupported', 400);
              return `inputs/${++uploads}/a.png`;
            },
            submit: async (request) => {
              submitted.push(request);
              const { idempotencyKey = '', ...content } = request;
              const known = standing.get(idempotencyKey);
              if (known !== undefined && known !== JSON.stringify(content))
                throw refusal('idempotency_conflict', 409);
              const generation = answer(request);
              standing.set(idempotencyKey, JSON.stringify(content));
              return { ...generation, ...(known !== undefined && { repeated: true }) };
            },
          },
          journal,
          digestOf: () => 'digest',
          signal: stop.signal,
          atOnce,
          onAccepted: () => {},
          onRefused: ({ line, message }) => refused.push(`${line}: ${message}`),
          pause: async (ms) => void pauses.push(ms),
        },
        rows,
      );
    },
  };
}

const accepted = (id: string) => ({ id, createdAt: 't' }) as Generation;
const refusal = (code: WiroServerlessError['code'], status: number, retryable = false) =>
  new WiroServerlessError({ code: code as 'internal_error', message: `said ${code}`, retryable }, { status });
const row = (key: string, line = 2, image?: string) => ({
  line,
  key,
  given: {
    request: { model: 'wiro/x' as const, parameters: { prompt: key } },
    inputs: image === undefined ? {} : { image: [{ file: { path: image, name: 'a.png', sizeBytes: 1 } }] },
  },
});

it('uploads a file once for all rows that name it, and sends the same again after a crash at any time', async () => {
  await writeFile(folder.file('a.png'), 'a');
  const rows = [row('k1', 2, folder.file('a.png')), row('k2', 3, folder.file('a.png'))];
  const first = world((request) => {
    if (request.idempotencyKey === 'k2') {
      // Accepted, and then this process is killed.
      first.standing.set('k2', JSON.stringify({ ...request, idempotencyKey: undefined }));
      throw new UnreachableError('killed');
    }
    return accepted('k1');
  });
  const journal = first.journal();
  await first.send(rows, journal).catch(() => {});
  journal.close();

  const second = world();
  for (const [key, request] of first.standing) second.standing.set(key, request);
  const next = second.journal();
  const left = rows.filter(({ key }) => next.accepted(key) === undefined);
  await second.send(left, next);

  expect(first.uploads()).toBe(1);
  expect(left.map(({ key }) => key)).toEqual(['k2']);
  expect(second.uploads()).toBe(0);
  expect(second.submitted).toEqual([first.submitted[1]]);
  expect(second.refused).toEqual([]);
  expect(next.accepted('k2')?.id).toBe('k2');
  next.close();
});

it('uploads anew what has expired, since a request that is told so was never accepted', async () => {
  await writeFile(folder.file('a.png'), 'a');
  const { send, journal, submitted } = world((request) => {
    if (request.inputs?.image === 'inputs/old/a.png') throw refusal('input_not_found', 400);
    return accepted('g1');
  });
  const notes = journal();
  notes.noteUpload('digest a.png', 'inputs/old/a.png');
  notes.noteSent('k1', { image: 'inputs/old/a.png' });

  await send([row('k1', 2, folder.file('a.png'))], notes);

  expect(submitted.map(({ inputs }) => inputs?.image)).toEqual(['inputs/old/a.png', 'inputs/1/a.png']);
  expect(notes.sentInputs('k1')).toEqual({ image: 'inputs/1/a.png' });
  notes.close();
});

it('goes on after a row that is refused, and says why', async () => {
  const { send, journal, refused } = world(({ idempotencyKey }) => {
    if (idempotencyKey === 'k1') throw refusal('invalid_parameter', 400);
    if (idempotencyKey === 'k2') throw refusal('idempotency_conflict', 409);
    return accepted('g3');
  });
  const notes = journal();

  await send([row('k1', 2), row('k2', 3), row('k3', 4)], notes);

  expect(refused).toEqual([
    '2: said invalid_parameter',
    '3: it was submitted before with files that were uploaded then, and the journal of that is missing. Nothing was started now',
  ]);
  expect(notes.accepted('k3')?.id).toBe('g3');
  notes.close();
});

it('waits while too much happens at once', async () => {
  let tries = 0;
  const { send, journal, pauses } = world(() => {
    tries += 1;
    if (tries < 3) throw refusal('http_429', 429, true);
    return accepted('g1');
  });
  const notes = journal();

  await send([row('k1')], notes);

  expect(pauses).toEqual([2_000, 5_000]);
  expect(notes.accepted('k1')?.id).toBe('g1');
  notes.close();
});

it.each([
  ['the day’s limit is reached', refusal('daily_limit_reached', 429, true)],
  ['AWS refuses the caller', refusal('http_403', 403)],
  ['the deployment lacks its secrets', refusal('not_configured', 503)],
  ['nothing answers', new UnreachableError('Cannot reach the API')],
])('stops all when %s', async (_, reason) => {
  const { send, journal, submitted } = world(() => {
    throw reason;
  });
  const notes = journal();

  await expect(send([row('k1'), row('k2'), row('k3')], notes)).rejects.toBe(reason);

  expect(submitted).toHaveLength(1);
  notes.close();
});

it('submits nothing if a file is refused, and says which rows name it', async () => {
  await writeFile(folder.file('a.png'), 'a');
  const { send, journal, submitted } = world();
  const wrong = row('k2', 3, folder.file('a.png'));
  const [given] = wrong.given.inputs.image ?? [];
  if (given) given.file.name = 'a.bmp';
  const notes = journal();

  const refused = await send([row('k1'), wrong], notes).catch((error) => error);

  expect(refused).toBeInstanceOf(RefusedFilesError);
  expect(refused.problems).toEqual([{ line: 3, message: 'said input_unsupported' }]);
  expect(submitted).toEqual([]);
  notes.close();
});

it('starts nothing after Ctrl-C', async () => {
  const { send, journal, submitted, stop } = world();
  stop.abort(new Error('Ctrl-C'));
  const notes = journal();

  await expect(send([row('k1')], notes)).rejects.toThrow('Ctrl-C');

  expect(submitted).toEqual([]);
  notes.close();
});
