import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import type { Submission } from '../client/index.ts';
import { CliError, EXIT, usageError } from './errors.ts';
import { plain } from './text.ts';

/** What `-p`, `-i` and the like say about a request. */
export interface RequestOptions {
  readonly parameter?: readonly string[];
  readonly input?: readonly string[];
  readonly label?: readonly string[];
  readonly maxCost?: number;
  readonly key?: string;
}

/** A file on this machine that becomes an input. */
export interface LocalFile {
  readonly path: string;
  /** The file's own name. */
  readonly name: string;
  readonly sizeBytes: number;
}

/** An input as given: something that the deployment reads by itself, or a local file. */
export type GivenInput = { readonly source: string } | { readonly file: LocalFile };

/** A request whose local files are not uploaded yet. */
export interface GivenRequest {
  readonly request: Omit<Submission, 'inputs'>;
  readonly inputs: Readonly<Record<string, readonly GivenInput[]>>;
}

/** Wiro takes no larger file. */
const LARGEST_BYTES = 100 * 1024 * 1024;
const NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/** Adds the options that describe a request. */
export const addRequestOptions = (command: Command): Command =>
  command
    .option(
      '-p, --parameter <name=value>',
      'a parameter of the model, repeatable; name:=value takes JSON',
      collect,
    )
    .option(
      '-i, --input <name=file>',
      'a file on this machine, an https:// URL, s3://bucket/key or a key under inputs/, repeatable; the same name again adds one',
      collect,
    )
    .option('--label <name=text>', 'a label in the record and in every event, repeatable', collect)
    .option('--max-cost <usd>', 'refuse what is known to cost more', readUsd);

/** Collects the values of a repeatable option. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

export function readUsd(text: string): number {
  const usd = Number(text.replace(/^\$/, ''));
  if (!(usd > 0 && usd < 1e9))
    throw usageError(`--max-cost is "${text}": use an amount in US dollars above 0, such as 0.50.`);
  return usd;
}

/** @throws {CliError} For a number outside 1 to `most`. */
export const readCount =
  (flag: string, most: number) =>
  (text: string): number => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < 1 || number > most)
      throw usageError(`${flag} is "${text}": use a whole number from 1 to ${most.toLocaleString('en')}.`);
    return number;
  };

/**
 * Reads a request from the command line.
 * @throws {CliError} With everything that is wrong.
 */
export async function readRequestOptions(
  model: string,
  { parameter = [], input = [], label = [], maxCost, key }: RequestOptions,
): Promise<GivenRequest> {
  const problems: string[] = [];
  const parameters = readParameters(parameter, problems);
  const labels = readPairs('--label', 'name=text', label, problems);
  const inputs: Record<string, GivenInput[]> = Object.create(null);
  for (const given of input) {
    const [name, text] = splitPair('-i', 'name=file', given, problems) ?? [];
    if (name === undefined || text === undefined) continue;
    try {
      inputs[name] = [...(inputs[name] ?? []), await readInputOrKey(text)];
    } catch (error) {
      problems.push(`-i ${name}: ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) throw usageError(problems.join('\n'));
  return {
    request: {
      model: model as Submission['model'],
      ...(Object.keys(parameters).length > 0 && { parameters }),
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(maxCost !== undefined && { maxCostUsd: maxCost }),
      ...(key !== undefined && { idempotencyKey: key }),
    },
    inputs: { ...inputs },
  };
}

/** Reads `name=value` and `name:=json`, and notes what is wrong. */
export function readParameters(
  given: readonly string[],
  problems: string[],
): Readonly<Record<string, unknown>> {
  const parameters = new Map<string, unknown>();
  for (const text of given) {
    const [, name, isJson, value = ''] = /^([^=]*?)(:?)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || !NAME.test(name)) {
      problems.push(`-p ${plain(text)}: use -p name=value, with the name of a parameter.`);
    } else if (parameters.has(name)) {
      problems.push(`-p ${name} is given twice: leave one out.`);
    } else if (isJson === '') {
      parameters.set(name, value);
    } else {
      try {
        parameters.set(name, JSON.parse(value));
      } catch {
        problems.push(
          `-p ${name}:= takes JSON, and this is none: quote it for the shell, or use ${name}=text.`,
        );
      }
    }
  }
  return Object.fromEntries(parameters);
}

/** Reads `name=text`, and notes what is wrong. */
export function readPairs(
  flag: string,
  form: string,
  given: readonly string[],
  problems: string[],
): Readonly<Record<string, string>> {
  const pairs = new Map<string, string>();
  for (const text of given) {
    const pair = splitPair(flag, form, text, problems);
    if (pair === undefined) continue;
    if (pairs.has(pair[0])) problems.push(`${flag} ${plain(pair[0])} is given twice: leave one out.`);
    pairs.set(...pair);
  }
  return Object.fromEntries(pairs);
}

function splitPair(
  flag: string,
  form: string,
  text: string,
  problems: string[],
): readonly [string, string] | undefined {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  problems.push(`${flag} ${plain(text)}: use ${flag} ${form}.`);
  return undefined;
}

/**
 * Reads one input: an address that the deployment reads by itself, or a file on this machine.
 * @param folder - Where relative paths begin.
 * @throws If there is no such file, or Wiro would not take it. The message goes after what names the input.
 */
export async function readInput(text: string, folder = process.cwd()): Promise<GivenInput> {
  if (/^(?:https|s3):\/\//i.test(text)) return { source: text };
  if (/^http:\/\//i.test(text)) throw new Error('a URL must begin with https://.');
  const file = path.resolve(folder, text);
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || text === '') return undefined;
    throw new Error(`cannot read "${plain(text)}" (${error.code}).`);
  });
  if (found === undefined || text === '')
    throw new Error(
      `there is no file "${plain(text)}": correct the path, or name an object of the input bucket as s3://bucket/key.`,
    );
  if (!found.isFile()) throw new Error(`"${plain(text)}" is no file: name one file.`);
  if (found.size === 0) throw new Error(`"${plain(text)}" is empty (0 bytes).`);
  if (found.size > LARGEST_BYTES)
    throw new Error(
      `"${plain(text)}" has ${found.size} bytes; Wiro takes at most ${LARGEST_BYTES} (100 MB).`,
    );
  return { file: { path: file, name: path.basename(file), sizeBytes: found.size } };
}

/** Where the input bucket keeps inputs by convention. Other keys are named as s3://bucket/key. */
const KEY = /^inputs\/[^/]/;

/** Reads an input of the command line. A file wins; what is none and looks like a key of the input bucket is one. */
async function readInputOrKey(text: string): Promise<GivenInput> {
  const isThere =
    !KEY.test(text) ||
    (await stat(text).then(
      () => true,
      ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT' && code !== 'ENOTDIR',
    ));
  return isThere ? readInput(text) : { source: text };
}

/** The request with each input as `toSource` gives it. */
export async function withInputs(
  { request, inputs }: GivenRequest,
  toSource: (file: LocalFile) => string | Promise<string>,
): Promise<Submission> {
  const named: Record<string, string | string[]> = {};
  for (const [name, all] of Object.entries(inputs)) {
    const sources: string[] = [];
    for (const one of all) sources.push('source' in one ? one.source : await toSource(one.file));
    named[name] = sources.length === 1 ? (sources[0] ?? '') : sources;
  }
  return { ...request, ...(Object.keys(named).length > 0 && { inputs: named }) } as Submission;
}

/**
 * Stands for a local file while a request is only checked. A dry run looks neither at it nor for it.
 */
export const placeholder = ({ name }: LocalFile): string => `https://example.com/${encodeURIComponent(name)}`;

/** A request that the deployment would not accept. */
export const refused = (problems: readonly string[]): CliError =>
  new CliError(problems.join('\n'), EXIT.failed);
