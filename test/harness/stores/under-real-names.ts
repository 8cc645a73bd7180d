/**
 * A server on this machine under the names of a cloud: with TLS, a certificate for them, and a web proxy that leads every name to it. So programs that know only the real cloud,
 * such as restic, can be sent there; and holdfast is tested with its own addresses, through a web proxy.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Files in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Stoppable {
  readonly port: number;
  stop(): Promise<void>;
}

export interface NamedServer<Server extends Stoppable> {
  readonly server: Server;
  /** What makes programs go through the proxy and trust the certificate. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names that were asked for, through the proxy. */
  readonly asked: ReadonlySet<string>;
  stop(): Promise<void>;
}

/** @param names what the certificate is for, such as `*.blob.core.windows.net` */
export async function startUnderNames<Server extends Stoppable>(
  names: readonly string[],
  start: (certificate: Certificate) => Promise<Server>,
): Promise<NamedServer<Server>> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-names-'));
  makeCertificates(folder, names);
  const server = await start({ cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') });
  const proxy = await startWebProxy(server.port);
  const authority = join(folder, 'ca.pem');
  return {
    server,
    asked: proxy.asked,
    /* restic before 0.16 takes an authority by its command line only, or by what every Go program looks at. */
    environment: { RESTIC_CACERT: authority, SSL_CERT_FILE: authority, HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` },
    stop: async () => {
      await proxy.stop();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function makeCertificates(folder: string, names: readonly string[]): void {
  const script = `
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority -keyout ca-key.pem -out ca.pem
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=store -keyout key.pem -out request.pem
    echo 'subjectAltName=IP:127.0.0.1${names.map((name) => `,DNS:${name}`).join('')}' >extensions
    openssl x509 -req -days 2 -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -extfile extensions -out cert.pem`;
  const done = spawnSync('sh', ['-ec', script], { cwd: folder, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`Cannot make certificates: ${done.stderr}`);
}

async function startWebProxy(target: number): Promise<Stoppable & { readonly asked: Set<string> }> {
  const asked = new Set<string>();
  const open = new Set<Socket>();
  const proxy = createServer((_, response) => response.writeHead(405).end());
  proxy.on('connect', (request, client) => {
    asked.add(request.url ?? '');
    const server = connect(target, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.pipe(client).pipe(server);
    });
    open.add(server);
    const end = (): void => {
      open.delete(server);
      client.destroy();
      server.destroy();
    };
    for (const stream of [client, server]) stream.on('error', end).on('close', end);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('a port was expected');
  return {
    port: address.port,
    asked,
    stop: async () => {
      for (const socket of open) socket.destroy();
      const closed = once(proxy, 'close');
      proxy.close();
      await closed;
    },
  };
}
