import { Hash } from '@smithy/core/serde';
import { HttpRequest } from '@smithy/core/transport';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode, presignUrl, signForS3, signHeaders } from '../../functions/aws/sign.ts';

/** The hash that the SDK's signer is given. */
class Sha256 extends Hash {
  constructor(secret?: ConstructorParameters<typeof Hash>[1]) {
    super('sha256', secret);
  }
}

const credentials = fc.record({
  accessKeyId: fc.constantFrom('AKIA1', 'AKIA2'),
  secretAccessKey: fc.string({ minLength: 1, maxLength: 40 }),
  sessionToken: fc.constantFrom('', 'token', 'to/ken+=='),
});
const at = fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true });
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
// The SDK's signer loses a parameter of this name; ours signs it.
const name = text.filter((name) => name !== '__proto__');
const headers = fc.dictionary(fc.stringMatching(/^x-amz-[a-z]{1,8}$/), fc.stringMatching(/^[a-z0-9 .#]*$/));

const s3Signer = (who: ConstructorParameters<typeof SignatureV4>[0]['credentials']) =>
  new SignatureV4({
    service: 's3',
    region: 'eu-central-1',
    credentials: who,
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: false,
  });

describe("a signature is the SDK's own", () => {
  it('over headers', async () => {
    await fc.assert(
      fc.asyncProperty(
        credentials,
        at,
        headers,
        text,
        fc.array(text, { maxLength: 3 }),
        async (who, when, given, body, segments) => {
          const path = `/${segments.map(encode).join('/')}`;
          const url = new URL(`https://lambda.eu-central-1.amazonaws.com${path}`);
          // A path of dots is another path.
          fc.pre(url.pathname === path && !path.includes('//'));
          const signer = new SignatureV4({
            service: 'lambda',
            region: 'eu-central-1',
            credentials: who,
            sha256: Sha256,
            applyChecksum: false,
          });
          const request = { method: 'POST', protocol: 'https:', hostname: url.hostname, path, body };
          const theirs = await signer.sign(
            new HttpRequest({ ...request, headers: { host: url.host, ...given } }),
            { signingDate: when },
          );

          const ours = signHeaders(
            { method: 'POST', url, headers: given, body },
            { service: 'lambda', region: 'eu-central-1', credentials: who, at: when },
          );

          expect(ours.authorization).toBe(theirs.headers.authorization);
          expect({ ...given, ...ours }).toEqual(theirs.headers);
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each(['UNSIGNED-PAYLOAD', 'a'.repeat(64)])('over headers and a query for S3: %s', async (payload) => {
    await fc.assert(
      fc.asyncProperty(credentials, at, headers, text, text, async (who, when, given, key, uploadId) => {
        const signer = s3Signer(who);
        const host = 'b.s3.eu-central-1.amazonaws.com';
        const request = { method: 'PUT', path: `/k${encode(key)}` };
        const theirs = await signer.sign(
          new HttpRequest({
            ...request,
            protocol: 'https:',
            hostname: host,
            query: { partNumber: '7', uploadId },
            headers: { host, ...given, 'x-amz-content-sha256': payload },
          }),
          { signingDate: when },
        );

        const ours = signForS3(
          { ...request, host, query: `partNumber=7&uploadId=${encode(uploadId)}`, headers: given, payload },
          { region: 'eu-central-1', credentials: who, at: when },
        );

        expect({ ...given, ...ours }).toEqual(theirs.headers);
      }),
      { numRuns: 200 },
    );
  });

  it('over the headers of a link, however they are spaced', () => {
    const link = (type: string) =>
      presignUrl(
        {
          method: 'PUT',
          url: new URL('https://b.s3.eu-central-1.amazonaws.com/k'),
          headers: { 'content-type': type },
        },
        {
          service: 's3',
          region: 'eu-central-1',
          credentials: { accessKeyId: 'AKIA1', secretAccessKey: 'secret' },
          at: new Date('2026-11-29'),
        },
        900,
      );

    // S3 signs what arrives so.
    expect(link(' text/plain;\t a=b ')).toBe(link('text/plain; a=b'));
  });

  it('in a link', async () => {
    await fc.assert(
      fc.asyncProperty(
        credentials,
        at,
        text,
        fc.dictionary(name, text, { maxKeys: 3 }),
        async (who, when, key, query) => {
          const url = new URL(`https://b.s3.eu-central-1.amazonaws.com/k${encode(key)}`);
          const signer = s3Signer(who);
          const request = { method: 'GET', protocol: 'https:', hostname: url.hostname, path: url.pathname };
          const theirs = await signer.presign(
            new HttpRequest({
              ...request,
              query,
              headers: { host: url.host, 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' },
            }),
            { signingDate: when, expiresIn: 900 },
          );

          const ours = presignUrl(
            { method: 'GET', url, query },
            { service: 's3', region: 'eu-central-1', credentials: who, at: when },
            900,
          );

          expect(Object.fromEntries(new URL(ours).searchParams)).toEqual(theirs.query);
        },
      ),
      { numRuns: 200 },
    );
  });
});
