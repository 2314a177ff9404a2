import { createHash, createHmac } from 'node:crypto';
import { createRandom } from '../../local/simulator/faults.ts';

/** A generation that is attacked. Its attackers know all of it but the secret; what signs it right is spoilt below. */
export interface Victim {
  readonly deployment: string;
  readonly generationId: string;
  /** What signs its first attempt right, lower-case hex. */
  readonly signature: string;
  /** Right signatures of something else: another generation, attempt or deployment. */
  readonly otherSignatures: readonly string[];
}

export interface HostileRequest {
  readonly method: string;
  /** As it stands in the request line, a query included. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly isBase64Encoded: boolean;
}

const MIB = 1024 * 1024;
/** Function URLs take up to 6 MB. */
const LARGE = 'x'.repeat(6 * MIB - 64 * 1024);
const DEEP = '[{"a":'.repeat(100_000);
const FLOOD = Object.fromEntries(Array.from({ length: 90 }, (_, at) => [`x-flood-${at}`, 'f'.repeat(90)]));

/** Endlessly many requests none of which may be taken for a callback; the same ones for the same seed. */
export function* hostileRequests(seed: number, victim: Victim): Generator<HostileRequest, never> {
  const random = createRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const oneOf = <Value>(values: readonly [Value, ...Value[]]): Value =>
    values[below(values.length)] ?? values[0];
  const hex = (length: number) => {
    let digits = '';
    while (digits.length < length)
      digits += below(2 ** 32)
        .toString(16)
        .padStart(8, '0');
    return digits.slice(0, length);
  };

  const { deployment, generationId: id, signature, otherSignatures } = victim;
  const right = `/${deployment}/${id}/1/${signature}`;
  const signed = (wrong: string) => `/${deployment}/${id}/1/${wrong}`;
  const spliced = (at: number, deleted: number, inserted: string) =>
    right.slice(0, at) + inserted + right.slice(at + deleted);
  const percent = (text: string) => text.replace(/./gs, (one) => `%${one.charCodeAt(0).toString(16)}`);
  const bytes = Buffer.from(signature, 'hex');
  const hmac = (key: string, text: string) => createHmac('sha256', key).update(text).digest('hex');
  const subject = `${deployment}/${id}/1`;

  const wrongSignature: readonly (() => string)[] = [
    () => hex(64),
    () => {
      const at = below(64);
      const digit = (Number.parseInt(signature[at] ?? '0', 16) + 1 + below(15)) % 16;
      return signature.slice(0, at) + digit.toString(16) + signature.slice(at + 1);
    },
    () => signature.slice(0, below(64)),
    () => signature + hex(1 + below(64)),
    () => signature.slice(1) + hex(1),
    () => [...signature].toReversed().join(''),
    () => signature.toUpperCase(),
    () => bytes.toString('base64'),
    () => bytes.toString('base64url'),
    () => Buffer.from(signature).toString(oneOf(['hex', 'base64', 'base64url'])),
    () => percent(signature),
    () => percent(percent(signature)),
    () => signature.replace(/[a-f]/, (one) => oneOf([percent(one), one.toUpperCase(), `${one}\u0301`])),
    () => `0x${signature}`,
    () => oneOf(['sha256=', 'v1,', 'Bearer ', '"', "'"]) + signature,
    () => `${signature},${hex(64)}`,
    () => '0'.repeat(64),
    () => oneOf(['', ...otherSignatures]),
    // What a signature of somebody without the secret may be.
    () => hmac(oneOf(['', 'secret', 'undefined', 'null', deployment, id, subject]), subject),
    () => hmac(subject, oneOf(['', 'secret', deployment])),
    () =>
      createHash(oneOf(['sha256', 'sha1', 'md5']))
        .update(subject)
        .digest('hex'),
  ];
  const prefix = () =>
    oneOf(['/', '/.', '/..', '/x/..', '/%2e', '/api', 'https://wiro.example', '/%00', '/hooks/wiro', right]);
  const wrongPath: readonly (() => string)[] = [
    () => '',
    () => oneOf(['/', '//', '*', '/.', '/..', '/%2e%2e', '/favicon.ico', '/.env', '/index.php?a=1']),
    () => right.replace(`/${id}/`, `/${hex(26).replace(/[01890]/g, 'z')}/`),
    () => right.replace('/1/', `/${2 + below(999)}/`),
    () =>
      right.replace('/1/', oneOf(['/01/', '/+1/', '/1.0/', '/1e0/', '/-1/', '/0/', '/%31/', '/１/', '//1/'])),
    () =>
      right.replace(deployment, oneOf(['', 'other', deployment.toUpperCase(), percent(deployment), '..'])),
    () => right.replace(id, oneOf([id.toUpperCase(), percent(id), id.slice(1), `${id}a`, '__proto__', '*'])),
    () =>
      right.replace(/\//g, oneOf(['//', '%2f', '%2F', '%252f', '\\', '/./', '/../', '∕', '\u2044', ';/'])),
    // Before a right path it is no attack: a `callbackBaseUrl` may have a path of its own.
    () => prefix() + signed((wrongSignature[below(wrongSignature.length)] ?? hex)(64)),
    () => prefix() + right.replace(deployment, oneOf(['', 'other', `${deployment}a`, '..'])),
    () =>
      right +
      oneOf(['/', '//', '/.', '/..', '/x', '%00', '\0', '%0a', '\n', '\r\n', ' ', '.json', ';a=b', '%20']),
    () => right.slice(0, below(right.length)),
    () =>
      spliced(
        // Behind the first letter: a slash before it would be a prefix.
        2 + below(right.length - 2),
        0,
        oneOf(['\0', '%00', '\u200b', '\u202e', ' ', '/', '%', 'ü', '😀']),
      ),
    () =>
      spliced(1 + below(right.length - 1), 1, oneOf(['а', 'е', '０', 'ｆ', '\ud800', '*', '?', '#', '%'])),
    () => `${right}${'/a'.repeat(1 + below(4_000))}`,
    () => `/${'a'.repeat(below(8_000))}`,
    () => `/?path=${encodeURIComponent(right)}&collect=${id}`,
    () => `/${deployment}/${id}/1/?signature=${signature}`,
    () => `/{"collect":"${id}"}`,
  ];

  const method = () =>
    random() < 0.7 ? 'POST' : oneOf(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']);
  const bodies: readonly [() => string | undefined, ...(() => string | undefined)[]] = [
    () => undefined,
    () => '',
    () => `{"collect":"${id}"}`,
    () => `{"id":"${id}","status":"task_postprocess_end","pexit":"0","__proto__":{"a":1}}`,
    () => `taskid=${id}&status=task_postprocess_end`,
    () => '{"tasklist":[{"id":"',
    () => `\ud800\0\xff${hex(16)}`,
    () => Buffer.from(`{"id":"${id}"}`).toString('base64'),
    () => (random() < 0.1 ? DEEP : '[]'),
    () => (random() < 0.02 ? LARGE : hex(64)),
  ];
  const headers: readonly [() => Record<string, string>, ...(() => Record<string, string>)[]] = [
    () => ({}),
    () => ({ 'content-type': oneOf(['application/json', 'text/plain', 'multipart/form-data', 'x', '\xff']) }),
    () => ({ 'x-http-method-override': 'POST', 'x-original-url': right, 'x-rewrite-url': right }),
    () => ({
      'x-signature': signature,
      authorization: `Bearer ${signature}`,
      'x-forwarded-for': '127.0.0.1',
    }),
    () => (random() < 0.2 ? FLOOD : { cookie: `a=${hex(128)}` }),
    () => ({
      'content-encoding': oneOf(['gzip', 'br', 'x']),
      'content-type': 'application/json; charset=utf-7',
    }),
  ];

  for (;;) {
    const kind = random();
    // The signature may be right where the method is wrong.
    const isWrongMethod = kind < 0.05;
    const path = isWrongMethod
      ? right
      : kind < 0.6
        ? signed((wrongSignature[below(wrongSignature.length)] ?? hex)(64))
        : (wrongPath[below(wrongPath.length)] ?? String)();
    yield {
      method: isWrongMethod ? oneOf(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) : method(),
      path,
      headers: oneOf(headers)(),
      body: oneOf(bodies)(),
      isBase64Encoded: random() < 0.3,
    };
  }
}
