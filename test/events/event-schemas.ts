import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

export const EVENTS_FOLDER = path.resolve(import.meta.dirname, '../../docs/events');

type Schema = Readonly<Record<string, unknown>>;

/** The documented schemas of complete events, by detail type. */
export const EVENT_SCHEMAS: ReadonlyMap<string, Schema> = new Map(
  globSync('*.schema.json', { cwd: EVENTS_FOLDER }).map((file) => {
    const schema = JSON.parse(readFileSync(path.join(EVENTS_FOLDER, file), 'utf8')) as Schema;
    return [String(schema.title), schema];
  }),
);

/**
 * Checks events against the documented schemas, or more strictly. Consumers must tolerate properties that a later
 * version adds, but no event may have an undocumented property.
 * @returns The errors of an event. Empty if it is valid.
 */
export function createEventCheck({ isStrict }: { readonly isStrict: boolean }): (event: unknown) => string[] {
  const ajv = new Ajv2020({ allErrors: true });
  addFormats.default(ajv);
  const checks = new Map(
    [...EVENT_SCHEMAS].map(([type, schema]) => [type, ajv.compile(isStrict ? closed(schema) : schema)]),
  );
  return (event) => {
    const type = (event as Record<string, unknown>)['detail-type'];
    const check = checks.get(String(type));
    if (check === undefined) return [`No schema is called "${type}"`];
    check(event);
    return (check.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}

/** The same schema, but closed to properties that it does not name. */
function closed(schema: Schema): Schema {
  const inner = Object.entries(schema).map(([name, value]) => [name, closedValue(value)]);
  const isOpen = 'properties' in schema && !('additionalProperties' in schema);
  return { ...Object.fromEntries(inner), ...(isOpen && { additionalProperties: false }) };
}

function closedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closedValue);
  return typeof value === 'object' && value !== null ? closed(value as Schema) : value;
}

/** The paths of all properties that a schema names, for example `detail.outputs[].key`. */
export function documentedProperties(schema: Schema, prefix = ''): readonly string[] {
  const { properties = {}, items } = schema as { properties?: Record<string, Schema>; items?: Schema };
  return [
    ...Object.entries(properties).flatMap(([name, inner]) => [
      prefix + name,
      ...documentedProperties(inner, `${prefix}${name}.`),
    ]),
    ...(items ? documentedProperties(items, `${prefix.slice(0, -1)}[].`) : []),
  ];
}

/** The paths of all properties of a value. */
export function propertiesOf(value: unknown, prefix = ''): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((one) => propertiesOf(one, `${prefix.slice(0, -1)}[].`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    prefix + name,
    ...propertiesOf(inner, `${prefix}${name}.`),
  ]);
}
