import type { IncomingMessage } from 'node:http';
import { S3Error } from './s3-errors.ts';
import type { S3Response } from './s3-response.ts';
import { childrenOf, readXml, textsOf, type XmlElement, type XmlElements } from './s3-xml.ts';

/** One rule of a bucket about requests from web pages of other origins. */
export interface CorsRule {
  readonly id?: string | undefined;
  /** Each may contain one `*`. */
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  readonly allowedHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds?: string | undefined;
}

const LISTS = ['AllowedOrigin', 'AllowedMethod', 'AllowedHeader', 'ExposeHeader'];
const METHODS = ['GET', 'PUT', 'HEAD', 'POST', 'DELETE'];

/** Reads the document of PutBucketCors. @throws {S3Error} */
export function readCorsRules(xml: string): CorsRule[] {
  const rules = childrenOf(readXml(xml, 'CORSConfiguration'), ['CORSRule']).map(readRule);
  if (rules.length === 0) throw new S3Error('MalformedXML');
  return rules;
}

function readRule(element: XmlElement): CorsRule {
  const children = childrenOf(element, [...LISTS, 'ID', 'MaxAgeSeconds']);
  const single = textsOf({ ...element, children: children.filter(({ name }) => !LISTS.includes(name)) }, [
    'ID',
    'MaxAgeSeconds',
  ]);
  const list = (wanted: string) => children.filter(({ name }) => name === wanted).map(({ text }) => text);
  const rule: CorsRule = {
    id: single.get('ID'),
    allowedOrigins: list('AllowedOrigin'),
    allowedMethods: list('AllowedMethod'),
    allowedHeaders: list('AllowedHeader'),
    exposeHeaders: list('ExposeHeader'),
    maxAgeSeconds: single.get('MaxAgeSeconds'),
  };
  const unknown = rule.allowedMethods.find((method) => !METHODS.includes(method));
  if (unknown !== undefined)
    throw new S3Error(
      'InvalidRequest',
      `Found unsupported HTTP method in CORS config. Unsupported method is ${unknown}`,
    );
  const hasTwoStars = [...rule.allowedOrigins, ...rule.allowedHeaders].some((one) => /\*.*\*/.test(one));
  if (rule.allowedOrigins.length === 0 || rule.allowedMethods.length === 0 || hasTwoStars)
    throw new S3Error('MalformedXML');
  return rule;
}

/** Describes the rules as GetBucketCors returns them. */
export const describeCorsRules = (rules: readonly CorsRule[]): XmlElements => ({
  CORSRule: rules.map((rule) => ({
    ID: rule.id,
    AllowedOrigin: rule.allowedOrigins,
    AllowedMethod: rule.allowedMethods,
    AllowedHeader: rule.allowedHeaders,
    ExposeHeader: rule.exposeHeaders,
    MaxAgeSeconds: rule.maxAgeSeconds,
  })),
});

/** Answers a browser's preflight request, which is not signed. @throws {S3Error} If no rule allows the request. */
export function answerPreflight(
  rules: readonly CorsRule[] | undefined,
  { headers }: IncomingMessage,
): S3Response {
  const { origin } = headers;
  const method = headers['access-control-request-method'];
  if (origin === undefined || method === undefined)
    throw new S3Error('BadRequest', 'Insufficient information. Origin request header needed.');
  if (rules === undefined)
    throw new S3Error('AccessForbidden', 'CORSResponse: CORS is not enabled for this bucket.');
  const names = (headers['access-control-request-headers'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const rule = findRule(rules, origin, method, names);
  if (rule === undefined)
    throw new S3Error(
      'AccessForbidden',
      'CORSResponse: This CORS request is not allowed. No rule of the bucket allows its origin, method and headers.',
    );
  return {
    status: 200,
    headers: {
      ...describeMatch(rule, origin),
      ...(names.length > 0 && { 'access-control-allow-headers': names.join(', ') }),
    },
  };
}

/** Returns the headers that let a web page read the response, if a rule allows its origin and method. */
export function corsHeaders(
  rules: readonly CorsRule[] | undefined,
  { headers: { origin }, method }: IncomingMessage,
): Record<string, string> {
  const rule = origin === undefined ? undefined : findRule(rules ?? [], origin, method ?? 'GET', []);
  return rule === undefined || origin === undefined ? {} : describeMatch(rule, origin);
}

function findRule(
  rules: readonly CorsRule[],
  origin: string,
  method: string,
  headers: readonly string[],
): CorsRule | undefined {
  return rules.find(
    ({ allowedOrigins, allowedMethods, allowedHeaders }) =>
      allowedOrigins.some((pattern) => matches(pattern, origin)) &&
      allowedMethods.includes(method) &&
      headers.every((header) => allowedHeaders.some((pattern) => matches(pattern.toLowerCase(), header))),
  );
}

function describeMatch(rule: CorsRule, origin: string): Record<string, string> {
  const isAny = rule.allowedOrigins.includes('*');
  return {
    'access-control-allow-origin': isAny ? '*' : origin,
    ...(!isAny && { 'access-control-allow-credentials': 'true' }),
    'access-control-allow-methods': rule.allowedMethods.join(', '),
    ...(rule.exposeHeaders.length > 0 && { 'access-control-expose-headers': rule.exposeHeaders.join(', ') }),
    ...(rule.maxAgeSeconds !== undefined && { 'access-control-max-age': rule.maxAgeSeconds }),
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  };
}

function matches(pattern: string, text: string): boolean {
  const [start = '', end] = pattern.split('*');
  if (end === undefined) return text === pattern;
  return text.length >= start.length + end.length && text.startsWith(start) && text.endsWith(end);
}
