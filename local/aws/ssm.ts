import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AwsError, requireValue, startJsonEndpoint } from './aws-endpoint.ts';
import { LOCAL_ACCOUNT } from './lambda-types.ts';
import type { LocalService } from './local-service.ts';

export interface SsmOptions {
  readonly region: string;
  /** The file that keeps parameters across restarts. Only this user may read it. @default - in memory */
  readonly file?: string;
  /** @default - any free port */
  readonly port?: number;
}

interface Parameter {
  readonly type: 'String' | 'StringList' | 'SecureString';
  readonly value: string;
  readonly version: number;
  readonly modifiedAtSeconds: number;
}

type Parameters = Map<string, Parameter>;

const NAMES_LIMIT = 10;
/** The limit of the standard tier. */
const VALUE_LIMIT_BYTES = 4096;

/** Serves the part of SSM Parameter Store for settings and secrets, including SecureStrings. */
export async function startSsm({ region, file, port }: SsmOptions): Promise<LocalService> {
  const parameters = await load(file);

  async function change(edit: () => void): Promise<void> {
    edit();
    await save(file, parameters);
  }

  function describe(name: string, { type, value, version, modifiedAtSeconds }: Parameter, decrypt: boolean) {
    return {
      Name: name,
      Type: type,
      Value: type === 'SecureString' && !decrypt ? ciphertextOf(value) : value,
      Version: version,
      LastModifiedDate: modifiedAtSeconds,
      ARN: `arn:aws:ssm:${region}:${LOCAL_ACCOUNT}:parameter/${name.replace(/^\//, '')}`,
      DataType: 'text',
    };
  }

  return startJsonEndpoint(
    { prefix: 'AmazonSSM', service: 'ssm', region, port },
    {
      GetParameter: {
        members: ['Name', 'WithDecryption'],
        run: ({ Name, WithDecryption }) => {
          const name = requireName(Name);
          const parameter = parameters.get(name);
          if (!parameter) throw new AwsError('ParameterNotFound', `Parameter ${name} not found.`);
          return { Parameter: describe(name, parameter, WithDecryption === true) };
        },
      },
      GetParameters: {
        members: ['Names', 'WithDecryption'],
        run: ({ Names, WithDecryption }) => {
          const names = requireNames(Names);
          return {
            Parameters: names.flatMap((name) => {
              const parameter = parameters.get(name);
              return parameter ? [describe(name, parameter, WithDecryption === true)] : [];
            }),
            InvalidParameters: names.filter((name) => !parameters.has(name)),
          };
        },
      },
      GetParametersByPath: {
        members: ['Path', 'Recursive', 'WithDecryption', 'MaxResults', 'NextToken'],
        run: ({ Path, Recursive, WithDecryption, MaxResults, NextToken }) => {
          const path = requirePath(Path);
          const found = [...parameters.keys()]
            .filter((name) => name.startsWith(path))
            .filter((name) => Recursive === true || !name.slice(path.length).includes('/'))
            .sort();
          const start = Number(NextToken ?? 0);
          const limit = Number(MaxResults ?? NAMES_LIMIT);
          if (!(limit >= 1 && limit <= NAMES_LIMIT))
            throw new AwsError(
              'ValidationException',
              "1 validation error detected: Value at 'maxResults' failed to satisfy constraint: Member must have value between 1 and 10",
            );
          const next = start + limit;
          return {
            Parameters: found.slice(start, next).flatMap((name) => {
              const parameter = parameters.get(name);
              return parameter ? [describe(name, parameter, WithDecryption === true)] : [];
            }),
            ...(next < found.length && { NextToken: String(next) }),
          };
        },
      },
      PutParameter: {
        members: ['Name', 'Value', 'Type', 'Overwrite', 'Tier', 'DataType', 'KeyId'],
        run: async ({ Name, Value, Type, Overwrite, Tier, DataType, KeyId }) => {
          requireValue('Tier', Tier, ['Standard']);
          requireValue('DataType', DataType, ['text']);
          requireValue('KeyId', KeyId, ['alias/aws/ssm']);
          const name = requireName(Name);
          const before = parameters.get(name);
          if (before && Overwrite !== true)
            throw new AwsError(
              'ParameterAlreadyExists',
              'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
            );
          const parameter = nextVersion(before, Value, Type);
          await change(() => parameters.set(name, parameter));
          return { Version: parameter.version, Tier: 'Standard' };
        },
      },
      DeleteParameter: {
        members: ['Name'],
        run: async ({ Name }) => {
          const name = requireName(Name);
          if (!parameters.has(name)) throw new AwsError('ParameterNotFound', `Parameter ${name} not found.`);
          await change(() => parameters.delete(name));
          return {};
        },
      },
      DeleteParameters: {
        members: ['Names'],
        run: async ({ Names }) => {
          const names = requireNames(Names);
          const deleted = names.filter((name) => parameters.has(name));
          await change(() => {
            for (const name of deleted) parameters.delete(name);
          });
          return {
            DeletedParameters: deleted,
            InvalidParameters: names.filter((name) => !deleted.includes(name)),
          };
        },
      },
    },
  );
}

function nextVersion(before: Parameter | undefined, value: unknown, type: unknown): Parameter {
  if (typeof value !== 'string' || value === '')
    throw new AwsError(
      'ValidationException',
      "1 validation error detected: Value at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
  if (Buffer.byteLength(value) > VALUE_LIMIT_BYTES)
    throw new AwsError(
      'ValidationException',
      'Standard tier parameters support a maximum parameter value of 4096 characters.',
    );
  const chosen = type ?? before?.type;
  if (chosen !== 'String' && chosen !== 'StringList' && chosen !== 'SecureString')
    throw new AwsError(
      'ValidationException',
      'A parameter type is required when you create a parameter: String, StringList or SecureString.',
    );
  return {
    type: chosen,
    value,
    version: (before?.version ?? 0) + 1,
    modifiedAtSeconds: Math.floor(Date.now() / 1000),
  };
}

function requireName(name: unknown): string {
  if (typeof name !== 'string' || !/^[\w./-]{1,1011}$/.test(name))
    throw new AwsError('ValidationException', `Parameter name: can't be "${String(name)}".`);
  // `a` and `/a` name the same parameter.
  return /^\/[^/]*$/.test(name) && name !== '/' ? name.slice(1) : name;
}

/** @returns The path with a trailing slash. */
function requirePath(path: unknown): string {
  if (typeof path !== 'string' || !/^\/[\w./-]*$/.test(path))
    throw new AwsError('ValidationException', 'The parameter path must begin with a forward slash.');
  return path.endsWith('/') ? path : `${path}/`;
}

function requireNames(names: unknown): string[] {
  if (!Array.isArray(names) || names.length === 0 || names.length > NAMES_LIMIT)
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and ${NAMES_LIMIT}`,
    );
  return names.map(requireName);
}

/** A placeholder, not a cipher: a client that omits `WithDecryption` must get a useless value. */
function ciphertextOf(value: string): string {
  const digest = createHash('sha256').update(PEPPER).update(value).digest('base64');
  return `AQICAHh${digest}`;
}
const PEPPER = randomBytes(16);

async function load(file: string | undefined): Promise<Parameters> {
  if (file === undefined) return new Map();
  try {
    return new Map(Object.entries(JSON.parse(await readFile(file, 'utf8')) as Record<string, Parameter>));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw new Error(`Cannot read the stored parameters in ${file}`, { cause: error });
  }
}

/** Writes a temporary file and renames it, so that a crash leaves either the old or the new file. */
async function save(file: string | undefined, parameters: Parameters): Promise<void> {
  if (file === undefined) return;
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(temporary, `${JSON.stringify(Object.fromEntries(parameters), undefined, 2)}\n`, {
    mode: 0o600,
  });
  await rename(temporary, file);
}
