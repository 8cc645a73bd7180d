/** A container one can work with: its description and what can be done to it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { demultiplex } from './demultiplex.ts';
import { describeContainer } from './describe-container.ts';
import type { Container } from './docker-engine.ts';
import { type Inspection, inspectionSchema } from './engine-answers.ts';
import type { EngineClient } from './engine-client.ts';
import { runInContainer } from './run-in-container.ts';
import { checkTarEnd } from './tar-end.ts';

const defaultGraceSeconds = 10;

/** Looks at a container by its id or name. Throws `docker-container-missing`, `docker-unreachable`. */
export async function openContainer(client: EngineClient, id: string): Promise<Container> {
  const inspection = await inspect(client, id);
  const description = describeContainer(inspection);
  const { name } = description;
  const at = `/containers/${inspection.Id}`;
  return {
    ...description,
    exec: async (request) => {
      if (!inspection.State.Running) {
        const { State } = await inspect(client, inspection.Id);
        if (!State.Running) throw new HoldfastError('docker-container-stopped', { container: name, state: State.Status });
      }
      return runInContainer(client, description, request);
    },
    stop: async (graceSeconds) => {
      if (inspection.HostConfig.AutoRemove === true) throw new HoldfastError('docker-stop-refused', { container: name });
      const withinMs = ((graceSeconds ?? defaultGraceSeconds) + 110) * 1000;
      const query = graceSeconds === undefined ? {} : { t: Math.ceil(graceSeconds) };
      await client.tell({ path: `${at}/stop`, query, withinMs, action: `stop the container "${name}"`, refused: missing(name) });
    },
    start: () => client.tell({ path: `${at}/start`, action: `start the container "${name}"`, refused: missing(name) }),
    waitUntilUp: (withinMs, signal) => waitUntilUp(client, inspection, withinMs, signal),
    logs: (since) => readLogs(client, inspection, since),
    readArchive: async (path) => {
      const action = `read ${path} in the container "${name}"`;
      const tar = await client.download({ path: `${at}/archive`, query: { path }, action, refused: pathMissing(name, path) });
      return checkTarEnd(tar, action);
    },
    writeArchive: async (path, tar) => {
      const action = `write to ${path} in the container "${name}"`;
      await client.upload({ path: `${at}/archive`, query: { path }, action, refused: pathMissing(name, path) }, tar);
    },
  };
}

function inspect(client: EngineClient, id: string): Promise<Inspection> {
  const path = `/containers/${encodeURIComponent(id)}/json`;
  return client.ask({ path, action: `look at the container "${id}"`, refused: missing(id) }, inspectionSchema);
}

function missing(container: string) {
  return (status: number): HoldfastError | undefined =>
    status === 404 ? new HoldfastError('docker-container-missing', { container, there: 'it is not there' }) : undefined;
}

function pathMissing(container: string, path: string) {
  return (status: number, reason: string): HoldfastError | undefined => {
    if (status !== 404) return undefined;
    return /no such container/i.test(reason) ? missing(container)(status) : new HoldfastError('docker-path-missing', { container, path });
  };
}

/** Healthy where the container has a health check, else running. A container that ended is not waited for. */
async function waitUntilUp(client: EngineClient, before: Inspection, withinMs: number, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(withinMs);
  const both = AbortSignal.any([limit, signal]);
  for (;;) {
    const { State } = await inspect(client, before.Id);
    const health = State.Health?.Status ?? 'none';
    if (State.Running && (health === 'none' || health === 'healthy')) return;
    if (signal.aborted) throw new HoldfastError('interrupted');
    if (limit.aborted || ['exited', 'dead'].includes(State.Status)) {
      throw new HoldfastError('docker-not-up', {
        container: before.Name.replace(/^\//, ''),
        limit: `${Math.round(withinMs / 1000)} s`,
        wanted: health === 'none' ? 'running' : 'healthy',
        state: State.Running ? health : State.Status,
      });
    }
    await sleep(200, undefined, { signal: both }).catch(() => {});
  }
}

async function* readLogs(client: EngineClient, inspection: Inspection, since: Date): AsyncGenerator<Uint8Array> {
  const container = inspection.Name.replace(/^\//, '');
  const unreadable = (reason: string, cause?: unknown): HoldfastError =>
    new HoldfastError('docker-logs-unreadable', { container, reason }, cause);
  const query = { stdout: true, stderr: true, timestamps: true, since: (since.getTime() / 1000).toFixed(3) };
  const action = `read the log of the container "${container}"`;
  const refused = (status: number, reason: string): HoldfastError => missing(container)(status) ?? unreadable(reason);
  const stream = await client.download({ path: `/containers/${inspection.Id}/logs`, query, action, refused });
  try {
    if (inspection.Config.Tty) yield* stream as AsyncIterable<Buffer>;
    else for await (const { bytes } of demultiplex(stream as AsyncIterable<Buffer>)) yield bytes;
  } catch (error) {
    throw error instanceof HoldfastError ? error : unreadable(reasonOf(error), error);
  } finally {
    stream.destroy();
  }
}
