import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Servers that cost next to nothing, so that a measurement shows the copier: nginx, and an S3 that discards (`sink.c`). */
export interface NativeServers {
  readonly plain: Origins;
  readonly tls: Origins;
  /** The certificate of `tls`, which signs itself. */
  readonly certificate: string;
  /** For files of contenders. */
  readonly directory: string;
  /** The bytes that the S3 has received so far. */
  receivedBytes(): Promise<number>;
  stop(): Promise<void>;
}

export interface Origins {
  readonly cdn: string;
  /** The same files, each connection limited to 25 MiB a second. */
  readonly slowCdn: string;
  readonly s3: string;
}

/** What each contender's time is taken with. The shell's own `time` knows no memory. */
export const GNU_TIME = '/usr/bin/time';

export const isInstalled = (command: string, ...args: readonly string[]): boolean =>
  spawnSync(command, args.length > 0 ? args : ['--version'], { stdio: 'ignore' }).status === 0;

/** Names the programs that are needed and not installed. */
export function missingPrograms(): readonly string[] {
  return [
    ...(isInstalled('nginx', '-v') ? [] : ['nginx']),
    ...(isInstalled('gcc') ? [] : ['gcc']),
    ...(isInstalled('openssl', 'version') ? [] : ['openssl']),
    ...(existsSync(GNU_TIME) ? [] : ['GNU time']),
  ];
}

/** @param files - The directory that nginx serves. */
export async function startNativeServers(files: string): Promise<NativeServers> {
  const directory = await mkdtemp(path.join(tmpdir(), 'bench-native-'));
  // Started by root, nginx works as another user.
  await chmod(directory, 0o755);
  const [cdn = 0, slow = 0, tlsCdn = 0, tlsSlow = 0, sink = 0, tlsSink = 0] = await freePorts(6);
  const certificate = path.join(directory, 'tls.crt');
  const key = path.join(directory, 'tls.key');
  execFileSync('gcc', [
    '-O2',
    '-pthread',
    '-o',
    path.join(directory, 'sink'),
    path.join(import.meta.dirname, 'sink.c'),
  ]);
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-keyout', key, '-out', certificate, '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ],
    { stdio: 'ignore' },
  );
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${directory}/${kind};`,
  );
  const serve = (port: number, rest: string) => `server { listen 127.0.0.1:${port} ${rest} }`;
  const configuration = path.join(directory, 'nginx.conf');
  await writeFile(
    configuration,
    `worker_processes 2; daemon off; pid ${directory}/nginx.pid; error_log ${directory}/nginx.log warn;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; etag on; types { } default_type video/mp4;
  keepalive_requests 1000000; client_max_body_size 0; root ${files}; ${temporary.join(' ')}
  ssl_certificate ${certificate}; ssl_certificate_key ${key}; ssl_session_cache shared:s:1m;
  upstream sink { server 127.0.0.1:${sink}; keepalive 32; }
  ${serve(cdn, ';')}
  ${serve(slow, '; limit_rate 25m;')}
  ${serve(tlsCdn, 'ssl;')}
  ${serve(tlsSlow, 'ssl; limit_rate 25m;')}
  ${serve(tlsSink, 'ssl; location / { proxy_pass http://sink; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off; proxy_buffering off; client_body_buffer_size 1m; }')}
}
`,
  );
  const processes = [
    spawn(path.join(directory, 'sink'), [String(sink)], { stdio: 'inherit' }),
    spawn('nginx', ['-c', configuration, '-e', path.join(directory, 'nginx.log')], { stdio: 'inherit' }),
  ];
  const at = (scheme: string, port: number) => `${scheme}://127.0.0.1:${port}`;
  const servers: NativeServers = {
    plain: { cdn: at('http', cdn), slowCdn: at('http', slow), s3: at('http', sink) },
    tls: { cdn: at('https', tlsCdn), slowCdn: at('https', tlsSlow), s3: at('https', tlsSink) },
    certificate,
    directory,
    receivedBytes: async () => {
      const response = await fetch(`${at('http', sink)}/__stats`);
      return ((await response.json()) as { bytes: number }).bytes;
    },
    stop: async () => {
      const running = processes.filter(({ exitCode }) => exitCode === null);
      const exits = running.map((child) => once(child, 'exit'));
      for (const child of running) child.kill('SIGTERM');
      await Promise.all(exits);
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await answered(`${servers.plain.s3}/__stats`);
    await answered(`${servers.plain.cdn}/`);
    return servers;
  } catch (error) {
    await servers.stop();
    throw error;
  }
}

/** Waits until a server answers, whatever it says. */
async function answered(url: string): Promise<void> {
  const giveUpAt = performance.now() + 10_000;
  for (;;) {
    try {
      await (await fetch(url)).arrayBuffer();
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await sleep(50);
    }
  }
}

/** Ports that were free a moment ago: nginx cannot choose one itself. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
