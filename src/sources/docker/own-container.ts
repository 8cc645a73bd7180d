/**
 * Containers of holdfast's own: made of the image of one of the application's, without a network, for as long as a piece of work lasts. What such a
 * container runs reads the end of this process from its standard input.
 */
import { PassThrough, type Readable } from 'node:stream';
import { demultiplex } from './demultiplex.ts';
import type { EngineClient } from './engine-client.ts';
import { containerListSchema, createdSchema } from './engine-answers.ts';
import { readSocket, type SocketReader } from './socket-reader.ts';

export interface OwnContainerRequest {
  /** Name or id. */
  readonly image: string;
  /** In the place of the image's entrypoint. */
  readonly command: readonly string[];
  /** `user:group`, as numbers. */
  readonly user: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What it is for: `removeOwn` finds it by this. */
  readonly purpose: string;
  /** It sees the volumes and folders that this container sees, by the same names. */
  readonly volumesFrom?: string;
  /** Folders of the engine's machine that it sees by the same names. */
  readonly folders?: readonly string[];
}

/** It runs. */
export interface OwnContainer {
  readonly id: string;
  /** What it writes on stderr and stdout, to its end. */
  readonly output: Readable;
  /** Resolves when it has ended, or cannot be heard any more. */
  readonly ended: Promise<void>;
  /** Its standard input comes to its end, after a last word. */
  endInput(word: string): void;
  /** Ends it at once, where it still runs, and takes it away. */
  remove(): Promise<void>;
}

const label = 'holdfast.purpose';

/** Throws `docker-failed`, `docker-unreachable`; nothing is left then. */
export async function startOwn(client: EngineClient, request: OwnContainerRequest): Promise<OwnContainer> {
  const { Id: id } = await client.ask(
    { method: 'POST', path: '/containers/create', body: describe(request), action: `make a container of the image ${request.image}` },
    createdSchema,
  );
  try {
    const socket = await client.takeOver({
      path: `/containers/${id}/attach`,
      query: { stream: true, stdin: true, stdout: true, stderr: true },
      // Not looked at; but a request that has none is not sent before something is written.
      body: { Detach: false },
      action: 'attach to a container',
    });
    const output = new PassThrough();
    const ended = passOn(readSocket(socket), output);
    await client.tell({ path: `/containers/${id}/start`, action: `start a container of the image ${request.image}` });
    return {
      id,
      output,
      ended,
      endInput: (word) => void socket.end(word),
      remove: async () => {
        await remove(client, id, request.volumesFrom === undefined);
        socket.destroy();
      },
    };
  } catch (error) {
    await remove(client, id, request.volumesFrom === undefined).catch(() => {});
    throw error;
  }
}

/** Takes away those that an earlier run left for some purpose. How many. Throws `docker-failed`, `docker-unreachable`. */
export async function removeOwn(client: EngineClient, purpose: string): Promise<number> {
  const query = { all: true, filters: { label: [`${label}=${purpose}`] } };
  const left = await client.ask({ path: '/containers/json', query, action: 'list the containers' }, containerListSchema);
  for (const { Id } of left) await remove(client, Id, false);
  return left.length;
}

function describe({ image, command, user, environment, purpose, volumesFrom, folders = [] }: OwnContainerRequest): object {
  return {
    Image: image,
    Entrypoint: command,
    Cmd: [],
    User: user,
    WorkingDir: '/',
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: { [label]: purpose },
    Healthcheck: { Test: ['NONE'] },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      NetworkMode: 'none',
      // One that shares nothing leaves nothing, whatever becomes of this process.
      AutoRemove: volumesFrom === undefined,
      LogConfig: { Type: 'none' },
      Mounts: folders.map((folder) => ({ Type: 'bind', Source: folder, Target: folder })),
      ...(volumesFrom === undefined ? {} : { VolumesFrom: [volumesFrom] }),
    },
  };
}

/** Volumes that the engine made for its image alone go too; those it shares with another container stay. */
function remove(client: EngineClient, id: string, withVolumes: boolean): Promise<void> {
  return client.tell({
    method: 'DELETE',
    path: `/containers/${id}`,
    query: { force: true, v: withVolumes },
    action: 'remove a container',
    refused: () => undefined,
  });
}

async function passOn(reader: SocketReader, output: PassThrough): Promise<void> {
  const chunks = async function* chunks(): AsyncGenerator<Buffer> {
    for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) yield chunk;
  };
  try {
    for await (const { bytes } of demultiplex(chunks())) output.write(bytes);
  } catch {
    // A connection that broke says no more about the container than one that ended.
  } finally {
    output.end();
  }
}
