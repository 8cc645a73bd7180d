/** A way to an engine that can break: a socket whose connections lead to the engine's, cut where a test wants it. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface BreakingProxy {
  readonly environment: Readonly<Record<string, string>>;
  /** From now on, each connection is cut after this many bytes of answers: closed in good order, or reset. */
  cutAfter(bytes: number, how: 'close' | 'reset'): void;
  /** Closes the connections that are open now, in good order. */
  closeStreams(): void;
  /** Cuts every connection at once, and refuses new ones. */
  breakAll(): void;
  stop(): Promise<void>;
}

export async function startBreakingProxy(engineSocket: string): Promise<BreakingProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-proxy-'));
  const path = join(folder, 'docker.sock');
  const open = new Set<Socket>();
  let cut: { bytes: number; how: 'close' | 'reset' } | undefined;
  let broken = false;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (broken) return void client.destroy();
    const engine = connect({ path: engineSocket, allowHalfOpen: true });
    let answered = 0;
    for (const socket of [client, engine]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => open.delete(socket));
    }
    client.pipe(engine);
    engine.on('data', (chunk: Buffer) => {
      const rest = (cut?.bytes ?? Number.POSITIVE_INFINITY) - answered;
      answered += chunk.length;
      if (chunk.length > rest) {
        client.end(chunk.subarray(0, Math.max(0, rest)), () => {
          if (cut?.how === 'reset') client.destroy();
          engine.destroy();
        });
        return;
      }
      if (!client.write(chunk)) {
        engine.pause();
        client.once('drain', () => engine.resume());
      }
    });
    engine.on('end', () => client.end());
    client.on('close', () => engine.destroy());
  });
  server.listen(path);
  await once(server, 'listening');
  const breakAll = (): void => {
    broken = true;
    for (const socket of open) socket.destroy();
  };
  return {
    environment: { DOCKER_HOST: `unix://${path}` },
    cutAfter: (bytes, how) => void (cut = { bytes, how }),
    closeStreams: () => {
      for (const socket of open) socket.end();
    },
    breakAll,
    stop: async () => {
      breakAll();
      const closed = once(server, 'close');
      server.close();
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
