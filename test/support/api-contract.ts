import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

type Schema = { readonly [name: string]: unknown };

export interface Operation {
  readonly operationId: string;
  readonly method: string;
  /** The path in the document, such as `/generations/{id}`. */
  readonly path: string;
  /** The documented statuses. */
  readonly statuses: readonly number[];
}

const DOCUMENT = parse(
  readFileSync(path.resolve(import.meta.dirname, '../../docs/openapi.yaml'), 'utf8'),
) as Schema;

const METHODS = ['get', 'head', 'post', 'put', 'delete'];

const ajv = new Ajv2020({ allErrors: true, strict: false });
addFormats.default(ajv);
// Every property of an answer must be documented. Requests are as strict as the document says.
ajv.addSchema(DOCUMENT, 'open');
ajv.addSchema(closed(DOCUMENT) as Schema, 'closed');

/** All operations of the document. */
export const OPERATIONS: readonly Operation[] = Object.entries(DOCUMENT.paths as Schema).flatMap(
  ([at, item]) =>
    METHODS.flatMap((method) => {
      const operation = (item as Schema)[method] as Schema | undefined;
      if (operation === undefined) return [];
      return [
        {
          operationId: String(operation.operationId),
          method: method.toUpperCase(),
          path: at,
          statuses: Object.keys(operation.responses as Schema).map(Number),
        },
      ];
    }),
);

/** The operation that a request calls, if the document has it. */
export function operationOf(method: string, url: string): Operation | undefined {
  const [pathname = ''] = url.split('?');
  const parts = pathname.split('/').filter((part) => part !== '');
  return OPERATIONS.find((operation) => {
    const wanted = operation.path.split('/').filter((part) => part !== '');
    return (
      operation.method === method &&
      wanted.length === parts.length &&
      wanted.every((part, index) => part.startsWith('{') || part === parts[index])
    );
  });
}

/** Finds what the document does not allow in an answer. Empty if it is right. */
export function answerFaults(
  { path: at, method }: Operation,
  { status, body, headers }: { readonly status: number; readonly body: unknown; readonly headers: Headers },
): readonly string[] {
  const responses = `/paths/${toPointer(at)}/${method.toLowerCase()}/responses`;
  const response = resolve(`${responses}/${status}`);
  if (response === undefined) return [`${method} ${at} does not document the status ${status}`];
  const missing = Object.keys((response.schema.headers as Schema | undefined) ?? {})
    .filter((name) => !headers.has(name) && status < 500)
    .map((name) => `${method} ${at} has no header ${name} with ${status}`);
  if ((response.schema.content as Schema | undefined) === undefined) return missing;
  const check = compiled(`closed#${response.pointer}/content/application~1json/schema`);
  return check(body) ? missing : [...missing, ...describeErrors(`${method} ${at} ${status}`, check)];
}

/** Finds what the document does not allow in a request's body. Empty if it is right. */
export function requestFaults({ path: at, method }: Operation, body: unknown): readonly string[] {
  const pointer = `/paths/${toPointer(at)}/${method.toLowerCase()}/requestBody/content/application~1json/schema`;
  if (resolve(pointer) === undefined) return body === undefined ? [] : [`${method} ${at} takes no body`];
  const check = compiled(`open#${pointer}`);
  return check(body) ? [] : describeErrors(`${method} ${at}`, check);
}

const checks = new Map<string, ValidateFunction>();
function compiled(reference: string): ValidateFunction {
  const check = checks.get(reference) ?? ajv.compile({ $ref: reference });
  checks.set(reference, check);
  return check;
}

const describeErrors = (where: string, { errors }: ValidateFunction): string[] =>
  (errors ?? []).map(
    ({ instancePath, message, params }) => `${where}: ${instancePath} ${message} ${JSON.stringify(params)}`,
  );

/** Finds the schema at a pointer, and follows references. */
function resolve(pointer: string): { readonly pointer: string; readonly schema: Schema } | undefined {
  let at = '';
  let value: unknown = DOCUMENT;
  for (const part of pointer.split('/').slice(1)) {
    value = (value as Schema)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
    at = `${at}/${part}`;
    const reference = (value as Schema | undefined)?.$ref;
    if (typeof reference === 'string') {
      const target = resolve(reference.slice(1));
      if (target === undefined) return undefined;
      ({ pointer: at, schema: value } = target as { pointer: string; schema: Schema });
    }
    if (value === undefined) return undefined;
  }
  return { pointer: at, schema: value as Schema };
}

const toPointer = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1');

/** The same schemas, closed: they allow only the properties that they name. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, closed(inner)]);
  const isOpen = 'properties' in value && 'type' in value && !('additionalProperties' in value);
  return { ...Object.fromEntries(entries), ...(isOpen && { additionalProperties: false }) };
}
