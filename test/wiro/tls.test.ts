import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls, { type TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
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

function makeCertificate(): { readonly key: string; readonly cert: string } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'wiro-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '2', ...name], {
      stdio: 'ignore',
    });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
