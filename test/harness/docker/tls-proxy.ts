/** An engine's socket behind TLS with client certificates, as an engine on TCP offers it. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';

export interface TlsProxy {
  /** `DOCKER_HOST`, `DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Certificates of an authority that this engine does not know, nor they it. */
  readonly strangerFolder: string;
  stop(): Promise<void>;
}

export async function startTlsProxy(engineSocket: string): Promise<TlsProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-tls-'));
  const ours = join(folder, 'ours');
  const strangerFolder = join(folder, 'stranger');
  for (const one of [ours, strangerFolder]) await makeCertificates(one);
  const [ca, cert, key] = await Promise.all(['ca.pem', 'cert.pem', 'key.pem'].map((file) => readFile(join(ours, file))));
  const open = new Set<Socket>();
  const options = { ca, cert, key, requestCert: true, rejectUnauthorized: true, allowHalfOpen: true };
  const server = createServer(options, (client) => {
    const engine = connect({ path: engineSocket, allowHalfOpen: true });
    for (const socket of [client, engine]) socket.on('error', () => {});
    client.pipe(engine).pipe(client);
    client.on('close', () => engine.destroy());
  });
  /* Below TLS: also those that never came to speak it. */
  server.on('connection', (socket: Socket) => open.add(socket));
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port was expected');
  return {
    environment: { DOCKER_HOST: `tcp://127.0.0.1:${address.port}`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: ours },
    strangerFolder,
    stop: async () => {
      for (const socket of open) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One authority, and one certificate that serves engine and client. */
async function makeCertificates(folder: string): Promise<void> {
  await mkdir(folder);
  const script = `
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority -keyout ca-key.pem -out ca.pem
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=engine -keyout key.pem -out request.pem
    echo subjectAltName=IP:127.0.0.1 >extensions
    openssl x509 -req -days 2 -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -extfile extensions -out cert.pem`;
  const done = spawnSync('sh', ['-ec', script], { cwd: folder, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`Cannot make certificates: ${done.stderr}`);
}
