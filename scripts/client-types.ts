import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { parse } from 'yaml';

type Json = string | number | boolean | null | readonly Json[] | Schema;
interface Schema {
  readonly [name: string]: Json;
}

/** Writes the types of the API's requests and answers from its OpenAPI document, `docs/openapi.yaml`. */
export async function clientTypes(root: string): Promise<string> {
  const document = parse(await readFile(path.join(root, 'docs/openapi.yaml'), 'utf8')) as {
    readonly components: { readonly schemas: Schema };
  };
  const { schemas } = document.components;
  const names = Object.keys(schemas);
  const whole = {
    type: 'object',
    required: names,
    // One property for each schema, so that the compiler reaches all of them.
    properties: Object.fromEntries(names.map((name) => [name, { $ref: `#/definitions/${name}` }])),
    definitions: toJsonSchema(schemas),
  };
  return compile(whole as JSONSchema, 'Schemas', {
    bannerComment: '// `npm run generate` writes this file from docs/openapi.yaml: change that file instead.',
    additionalProperties: false,
    ignoreMinAndMaxItems: true,
    style: { singleQuote: true, printWidth: 110 },
  });
}

/** OpenAPI keeps definitions elsewhere, and says nothing about a value of any type. */
function toJsonSchema(value: Json): Json {
  if (Array.isArray(value)) return value.map(toJsonSchema);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [
    name,
    name === '$ref' && typeof inner === 'string'
      ? inner.replace('#/components/schemas/', '#/definitions/')
      : toJsonSchema(inner),
  ]);
  const isAnything = entries.length === 1 && typeof (value as Schema).description === 'string';
  return { ...Object.fromEntries(entries), ...(isAnything && { tsType: 'unknown' }) };
}
