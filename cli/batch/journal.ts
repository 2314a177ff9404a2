import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import type { Status } from '../../client/index.ts';
import { CliError, usageError } from '../errors.ts';
import { plain } from '../text.ts';

/** What is known of a batch, from this run and earlier ones. */
export interface Journal {
  /** Names the batch: the SHA-256 of its file when it was first submitted. */
  readonly batch: string;
  /** The object that a file's content was uploaded to, by SHA-256. */
  uploadOf(digest: string): string | undefined;
  /** The inputs with which a row was sent, by its key. It may have been accepted. */
  sentInputs(key: string): Inputs | undefined;
  accepted(key: string): Accepted | undefined;
  end(id: string): End | undefined;
  noteUpload(digest: string, object: string): void;
  noteSent(key: string, inputs: Inputs): void;
  noteAccepted(key: string, accepted: Accepted): void;
  noteEnd(id: string, end: End): void;
  close(): void;
}

export type Inputs = Readonly<Record<string, string | readonly string[]>>;

export interface Accepted {
  readonly id: string;
  readonly line: number;
  readonly createdAt: string;
}

export interface End {
  readonly status: Status;
  readonly costUsd?: number | undefined;
  readonly files?: readonly string[] | undefined;
}

type Entry =
  | { readonly wiroServerless: 'journal 1'; readonly deployment: string; readonly batch: string }
  | { readonly upload: string; readonly object: string; readonly at: string }
  | { readonly sent: string; readonly inputs: Inputs }
  | ({ readonly accepted: string } & Accepted)
  | ({ readonly ended: string } & End);

/** Uploads expire after 14 days, unless the deployment sets less. One is only used anew while it is fresh. */
const FRESH_MS = 12 * 3_600_000;

export interface JournalOptions {
  readonly file: string;
  /** The deployment's identity. */
  readonly deployment: string;
  /** For a new journal. */
  readonly batch: string;
  readonly now: () => Date;
  /** Only reads. */
  readonly isReadOnly?: boolean;
}

/**
 * Opens a batch's journal: one line of JSON for each thing that happened, written before anything builds on it. A line
 * that a killed process left unfinished is passed over.
 * @throws {CliError} If the file is something else, or belongs to another deployment.
 */
export function openJournal({ file, deployment, batch, now, isReadOnly = false }: JournalOptions): Journal {
  const { entries, isMissing, isTorn } = read(file);
  const [head] = entries;
  if (head !== undefined && 'wiroServerless' in head && head.deployment !== deployment)
    throw usageError(
      `${plain(file)} is the journal of another deployment (${plain(head.deployment)}, not ${plain(deployment)}): name another file with --journal.`,
    );
  const uploads = new Map<string, string>();
  const sent = new Map<string, Inputs>();
  const accepted = new Map<string, Accepted>();
  const ends = new Map<string, End>();
  for (const entry of entries) {
    if ('upload' in entry) {
      if (now().getTime() - Date.parse(entry.at) < FRESH_MS) uploads.set(entry.upload, entry.object);
    } else if ('sent' in entry) sent.set(entry.sent, entry.inputs);
    else if ('accepted' in entry) accepted.set(entry.accepted, entry);
    else if ('ended' in entry) ends.set(entry.ended, entry);
  }
  // A journal without a whole first line was never used. The new one is created exclusively, so that no other machine has it.
  const flags = isMissing ? 'wx' : entries.length === 0 ? 'w' : 'a';
  const stream = isReadOnly ? undefined : open(file, flags);
  const writeText = (text: string) => {
    if (stream === undefined) return;
    try {
      // Writes all of it, unlike `writeSync`.
      writeFileSync(stream, text);
    } catch (error) {
      throw new CliError(`Cannot write the journal ${plain(file)} (${reasonOf(error)}).`);
    }
  };
  const write = (entry: Entry) => writeText(`${JSON.stringify(entry)}\n`);
  const standing = head !== undefined && 'wiroServerless' in head ? head.batch : batch;
  if (isTorn && entries.length > 0) writeText('\n');
  if (head === undefined) write({ wiroServerless: 'journal 1', deployment, batch });
  return {
    batch: standing,
    uploadOf: (digest) => uploads.get(digest),
    sentInputs: (key) => sent.get(key),
    accepted: (key) => accepted.get(key),
    end: (id) => ends.get(id),
    noteUpload: (digest, object) => {
      write({ upload: digest, object, at: now().toISOString() });
      uploads.set(digest, object);
    },
    noteSent: (key, inputs) => {
      write({ sent: key, inputs });
      sent.set(key, inputs);
    },
    noteAccepted: (key, one) => {
      write({ accepted: key, ...one });
      accepted.set(key, one);
    },
    noteEnd: (id, end) => {
      write({ ended: id, ...end });
      ends.set(id, end);
    },
    close: () => {
      if (stream !== undefined) closeSync(stream);
    },
  };
}

function open(file: string, flags: 'a' | 'w' | 'wx'): number {
  try {
    return openSync(file, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new CliError(
        `Another "submit" began the journal ${plain(file)} meanwhile: repeat the command. This one submitted nothing.`,
      );
    throw usageError(
      `Cannot write the journal ${plain(file)} (${reasonOf(error)}): name another file with --journal.`,
    );
  }
}

function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' ? 'ENOSPC: the disk is full' : String(code);
}

interface ReadJournal {
  readonly entries: readonly Entry[];
  readonly isMissing: boolean;
  readonly isTorn: boolean;
}

function read(file: string): ReadJournal {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return { entries: [], isMissing: true, isTorn: false };
    throw usageError(
      `Cannot read the journal ${plain(file)} (${reasonOf(error)}): name another file with --journal.`,
    );
  }
  const entries = text.split('\n').flatMap((line): Entry[] => {
    try {
      const entry: unknown = JSON.parse(line);
      return typeof entry === 'object' && entry !== null ? [entry as Entry] : [];
    } catch {
      return [];
    }
  });
  const [head] = entries;
  const isJournal =
    head === undefined ? HEAD.startsWith(text.trim().slice(0, HEAD.length)) : 'wiroServerless' in head;
  if (!isJournal)
    throw usageError(`${plain(file)} is no journal of this command: name another file with --journal.`);
  return { entries, isMissing: false, isTorn: text !== '' && !text.endsWith('\n') };
}

/** How every journal begins. */
const HEAD = '{"wiroServerless":"journal 1"';
