import { S3Error } from './s3-errors.ts';

/** The policy that a form was signed with. */
export interface PostPolicy {
  readonly expiration: Date;
  readonly conditions: readonly unknown[];
}

/** The fields that a policy needs no condition for. */
const FREE = ['bucket', 'file', 'policy', 'x-amz-signature'];

/** Reads a policy in base64. @throws {S3Error} `InvalidPolicyDocument` */
export function readPolicy(base64: string): PostPolicy {
  try {
    const { expiration, conditions } = JSON.parse(Buffer.from(base64, 'base64').toString()) as Record<
      string,
      unknown
    >;
    const date = new Date(String(expiration));
    if (Array.isArray(conditions) && !Number.isNaN(date.getTime())) return { expiration: date, conditions };
  } catch {
    // Falls through to the error below.
  }
  throw new S3Error('InvalidPolicyDocument');
}

/**
 * Checks the fields of a form. Every field needs a condition, except those that start with `x-ignore-`.
 * @returns The allowed sizes of the file.
 * @throws {S3Error} `AccessDenied` or `InvalidPolicyDocument`.
 */
export function checkPolicy(
  { expiration, conditions }: PostPolicy,
  fields: ReadonlyMap<string, string>,
  now: Date,
): { readonly min: number; readonly max: number } {
  if (expiration < now) throw new S3Error('AccessDenied', 'Invalid according to Policy: Policy expired.');
  const covered = new Set(FREE);
  let sizes = { min: 0, max: Number.POSITIVE_INFINITY };
  for (const condition of conditions.flatMap(readCondition)) {
    if (condition.kind === 'size') {
      sizes = { min: Math.max(sizes.min, condition.min), max: Math.min(sizes.max, condition.max) };
      continue;
    }
    const value = fields.get(condition.field) ?? '';
    covered.add(condition.field);
    if (condition.kind === 'equal' ? value !== condition.value : !value.startsWith(condition.value))
      throw new S3Error(
        'AccessDenied',
        `Invalid according to Policy: Policy Condition failed: ${condition.field}`,
      );
  }
  const extra = [...fields.keys()].find((name) => !covered.has(name) && !name.startsWith('x-ignore-'));
  if (extra !== undefined)
    throw new S3Error('AccessDenied', `Invalid according to Policy: Extra input fields: ${extra}`);
  return sizes;
}

type Condition =
  | { readonly kind: 'equal' | 'start'; readonly field: string; readonly value: string }
  | { readonly kind: 'size'; readonly min: number; readonly max: number };

function readCondition(condition: unknown): Condition[] {
  if (!Array.isArray(condition)) {
    if (typeof condition !== 'object' || condition === null) throw new S3Error('InvalidPolicyDocument');
    return Object.entries(condition).map(([name, value]) => ({
      kind: 'equal',
      field: name.toLowerCase(),
      value: String(value),
    }));
  }
  const [operator, first, second] = condition as unknown[];
  if (operator === 'content-length-range') {
    const [min, max] = [Number(first), Number(second)];
    if (min >= 0 && max >= min) return [{ kind: 'size', min, max }];
  }
  if ((operator === 'eq' || operator === 'starts-with') && /^\$./.test(String(first)))
    return [
      {
        kind: operator === 'eq' ? 'equal' : 'start',
        field: String(first).slice(1).toLowerCase(),
        value: String(second),
      },
    ];
  throw new S3Error('InvalidPolicyDocument');
}
