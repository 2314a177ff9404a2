import { createServer } from 'node:https';
import tls, { type TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { clientOf, listen, runRequest } from './server.ts';

const certificate = makeCertificate();

describe.skipIf(certificate === undefined)('a Run over TLS (needs openssl)', () => {
  it('sends nothing to a server whose certificate is not valid', async () => {
    const { apiUrl, resumed } = await secureWiro();

    const outcome = await clientOf(apiUrl).run(runRequest());

    expect(outcome).toMatchObject({ kind: 'notRun', reason: 'unreachable' });
    expect(resumed).toEqual([]);
  });

  it('opens a connection every time, and resumes the TLS session', async () => {
    trust(certificate?.cert ?? '');
    const { apiUrl, resumed } = await secureWiro();
    const wiro = clientOf(apiUrl);

    const first = await wiro.run(runRequest());
    const second = await wiro.run(runRequest());

    expect([first.kind, second.kind]).toEqual(['ran', 'ran']);
    expect(resumed).toEqual([false, true]);
  });
});

/** Records for every request whether its connection resumed a session. */
async function secureWiro() {
  const resumed: boolean[] = [];
  const server = createServer({ ...certificate }, (request, response) => {
    resumed.push((request.socket as TLSSocket).isSessionReused());
    request.resume();
    response.end('{"result":true,"taskid":"1"}');
  });
  const origin = await listen(server);
  return { apiUrl: origin.replace('http://127.0.0.1', 'https://localhost'), resumed };
}

function trust(cert: string) {
  const before = tls.getCACertificates('default');
  tls.setDefaultCACertificates([...before, cert]);
  onTestFinished(() => tls.setDefaultCACertificates(before));
}
