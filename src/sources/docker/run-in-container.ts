/** Commands inside a container, over one connection each. Nothing here ends well unless the engine itself told the exit status. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { demultiplex } from './demultiplex.ts';
import type { ContainerProcess, ContainerProcessEnd, ExecRequest } from './docker-engine.ts';
import type { EngineClient } from './engine-client.ts';
import { createdSchema, execSchema, inspectionSchema } from './engine-answers.ts';
import { killMarked, marker } from './kill-marked.ts';
import { feedSocket, writeToSocket } from './feed-socket.ts';
import { readSocket, type SocketReader } from './socket-reader.ts';

export interface ContainerName {
  readonly id: string;
  readonly name: string;
}

const stderrLimit = 64 * 1024;
/** Milliseconds; the sum of the pauses before it is three times that. */
const longestPause = 3000;
const startFailure = /^OCI runtime exec failed: (.*)/s;

/** Starts a command. Throws `docker-container-stopped`, `docker-container-missing`, `docker-exec-failed`, `docker-unreachable`, `interrupted`. */
export async function runInContainer(client: EngineClient, container: ContainerName, request: ExecRequest): Promise<ContainerProcess> {
  if (request.signal.aborted) throw new HoldfastError('interrupted');
  const mark = randomUUID();
  const takesInput = request.input !== undefined || request.interactive === true;
  const exec = await createExec(client, container, request, { mark, takesInput });
  const socket = await client.takeOver({
    path: `/exec/${exec}/start`,
    body: { Detach: false, Tty: false },
    action: `run ${commandName(request)}`,
    refused: (_, reason) => execFailed(container, request, reason),
  });
  socket.setKeepAlive(true, 30_000);
  if (!takesInput) socket.end();
  return new RunningExec(client, container, request, { exec, mark, socket });
}

async function createExec(
  client: EngineClient,
  container: ContainerName,
  request: ExecRequest,
  { mark, takesInput }: { mark: string; takesInput: boolean },
): Promise<string> {
  const environment = { ...request.environment, [marker]: mark };
  const { Id } = await client.ask(
    {
      method: 'POST',
      path: `/containers/${container.id}/exec`,
      body: {
        Cmd: request.command,
        Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
        AttachStdin: takesInput,
        AttachStdout: true,
        AttachStderr: true,
        Tty: false,
        ...(request.user === undefined ? {} : { User: request.user }),
      },
      signal: request.signal,
      action: `run ${commandName(request)}`,
      refused: (status, reason) => {
        if (status === 404)
          return new HoldfastError('docker-container-missing', { container: container.name, there: 'it was removed meanwhile' });
        if (status !== 409) return execFailed(container, request, reason);
        return new HoldfastError('docker-container-stopped', {
          container: container.name,
          state: /paused/.test(reason) ? 'paused' : 'not running',
        });
      },
    },
    createdSchema,
  );
  return Id;
}

class RunningExec implements ContainerProcess {
  readonly output: AsyncIterable<Uint8Array>;
  readonly ended: Promise<ContainerProcessEnd>;
  readonly #client: EngineClient;
  readonly #container: ContainerName;
  readonly #request: ExecRequest;
  readonly #exec: string;
  readonly #mark: string;
  readonly #socket: Socket;
  readonly #reader: SocketReader;
  readonly #isLocal: boolean;
  readonly #settle: PromiseWithResolvers<ContainerProcessEnd>;
  #stderr = Buffer.alloc(0);
  #inputFailure: Error | undefined;
  #killing: Promise<void> | undefined;

  constructor(client: EngineClient, container: ContainerName, request: ExecRequest, parts: { exec: string; mark: string; socket: Socket }) {
    this.#client = client;
    this.#container = container;
    this.#request = request;
    this.#exec = parts.exec;
    this.#mark = parts.mark;
    this.#socket = parts.socket;
    this.#reader = readSocket(parts.socket);
    this.#isLocal = parts.socket.remoteAddress === undefined;
    this.#settle = Promise.withResolvers<ContainerProcessEnd>();
    this.ended = this.#settle.promise;
    /* Who reads `output` only gets its failure from there. */
    this.ended.catch(() => {});
    const abort = (): void => void this.kill();
    request.signal.addEventListener('abort', abort, { once: true });
    void this.ended.catch(() => {}).finally(() => request.signal.removeEventListener('abort', abort));
    if (request.signal.aborted) abort();
    this.output = this.#read();
    if (request.input !== undefined) void this.#feed(request.input);
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      await writeToSocket(this.#socket, bytes);
    } catch (error) {
      throw execFailed(this.#container, this.#request, 'it takes no more input', error);
    }
  }

  endInput(): void {
    this.#socket.end();
  }

  async kill(): Promise<void> {
    /* While its output is not taken away, the engine answers no question about a container's commands. */
    this.#reader.discard();
    this.#killing ??= killMarked(this.#mark, {
      isRunning: async () => (await this.#inspect()).running,
      run: (command) => runToEnd(this.#client, this.#container, command),
    });
    await this.#killing;
    this.#socket.destroy();
    this.#settle.reject(this.#explain(new Error('it was ended')));
  }

  /** An input that fails must not look like one that ended: the command is gone before its stdin closes. */
  async #feed(input: AsyncIterable<Uint8Array>): Promise<void> {
    const failure = await feedSocket(this.#socket, input);
    if (failure === undefined) return;
    this.#inputFailure = failure;
    await this.kill();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    let isWhole = false;
    try {
      yield* this.#frames();
      const status = await this.#askStatus();
      if (this.#killing !== undefined) throw new Error('it was ended');
      isWhole = true;
      this.#settle.resolve({ status, stderr: this.#stderr.toString('utf8') });
    } catch (error) {
      const failure = this.#explain(error);
      this.#settle.reject(failure);
      throw failure;
    } finally {
      if (!isWhole) await this.kill();
      this.#socket.destroy();
    }
  }

  async *#frames(): AsyncGenerator<Uint8Array> {
    let first = true;
    for await (const { from, bytes } of demultiplex(chunksOf(this.#reader, this.#isLocal))) {
      if (from === 'stderr') {
        this.#keepStderr(bytes);
        continue;
      }
      /* Older engines say on stdout why they could not start the command. */
      const complaint = first ? startFailure.exec(Buffer.from(bytes.subarray(0, 4096)).toString('utf8')) : null;
      if (complaint !== null && (await this.#askStatus()) >= 126)
        throw execFailed(this.#container, this.#request, (complaint[1] ?? '').trim());
      first = false;
      yield bytes;
    }
  }

  #keepStderr(bytes: Uint8Array): void {
    const joined = Buffer.concat([this.#stderr, bytes]);
    this.#stderr = joined.length > stderrLimit ? Buffer.from(joined.subarray(joined.length - stderrLimit)) : joined;
  }

  /** Asks until the engine says that the command has ended: the streams end a moment before. Where it runs on, only the connection has ended. */
  async #askStatus(): Promise<number> {
    for (let pause = 5; pause < longestPause; pause *= 1.5) {
      const { running, status } = await this.#inspect();
      if (!running) {
        if (status === null) throw execFailed(this.#container, this.#request, 'the engine does not tell its exit status');
        if (status !== 0) await this.#checkContainer();
        /* A command that was killed may be the first to go of a container that is stopping. */
        if (status > 128) {
          await sleep(500, undefined, { signal: this.#request.signal });
          await this.#checkContainer();
        }
        return status;
      }
      await sleep(pause, undefined, { signal: this.#request.signal });
    }
    throw execFailed(this.#container, this.#request, 'its output ended while it ran on');
  }

  async #inspect(): Promise<{ running: boolean; status: number | null }> {
    const { Running, ExitCode } = await this.#client.ask(
      {
        path: `/exec/${this.#exec}/json`,
        action: `run ${commandName(this.#request)}`,
        refused: () =>
          execFailed(this.#container, this.#request, 'the container was stopped, or the engine started again, before it ended'),
      },
      execSchema,
    );
    return { running: Running, status: ExitCode };
  }

  /** A command that ended because its container did has not failed by itself. */
  async #checkContainer(): Promise<void> {
    const { State } = await this.#client.ask(
      {
        path: `/containers/${this.#container.id}/json`,
        action: `look at the container "${this.#container.name}"`,
        refused: () => execFailed(this.#container, this.#request, 'the container was removed before it ended'),
      },
      inspectionSchema,
    );
    if (!State.Running) throw execFailed(this.#container, this.#request, 'the container was stopped before it ended');
  }

  #explain(error: unknown): Error {
    if (this.#request.signal.aborted) return new HoldfastError('interrupted', {}, error);
    if (this.#inputFailure !== undefined) return this.#inputFailure;
    if (this.#killing !== undefined) return execFailed(this.#container, this.#request, 'it was ended', error);
    if (error instanceof HoldfastError && error.code !== 'docker-unreachable') return error;
    return execFailed(this.#container, this.#request, `the connection to the engine broke (${reasonOf(error)})`, error);
  }
}

/** A reset while input was left over is how the end looks when the command did not read all of it: everything before it has been read. */
async function* chunksOf(reader: SocketReader, isLocal: boolean): AsyncGenerator<Uint8Array> {
  try {
    for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) yield chunk;
  } catch (error) {
    const isReset =
      error instanceof Error && 'syscall' in error && error.syscall === 'read' && 'code' in error && error.code === 'ECONNRESET';
    if (!isReset || !isLocal) throw error;
  }
}

/** A small command of our own. */
async function runToEnd(client: EngineClient, container: ContainerName, command: readonly string[]): Promise<number> {
  const process = await runInContainer(client, container, { command, user: '0', signal: new AbortController().signal });
  for await (const chunk of process.output) void chunk;
  return (await process.ended).status;
}

function commandName({ command: [program = 'nothing'] }: ExecRequest): string {
  return `"${program}"`;
}

function execFailed(container: ContainerName, request: ExecRequest, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError(
    'docker-exec-failed',
    { command: commandName(request), container: container.name, reason: reason.replace(/\.$/, '') },
    cause,
  );
}
