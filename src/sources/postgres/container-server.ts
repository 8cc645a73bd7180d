/**
 * A server in a container: its own tools are run inside it, and it is reached by its own socket, so that it needs neither a
 * published port nor a network.
 */
import { HoldfastError, isError } from '../../errors.ts';
import type { Subprocess, SubprocessEnd } from '../../util/subprocess.ts';
import type { ContainerAddress, ContainerProcess, DockerEngine } from '../docker/docker-engine.ts';
import { chooseTool, readToolVersion } from './choose-tool.ts';
import type { PostgresLogin } from './login.ts';
import { openPsqlSession } from './psql-session.ts';
import { type PostgresServer, type PostgresTool, type ServerCommand, type ToolName, runOnServer } from './server.ts';

export interface ContainerServerOptions {
  readonly docker: DockerEngine;
  readonly address: ContainerAddress;
  readonly database: string;
  readonly user: string;
  readonly password?: string | undefined;
}

const toolNames: readonly ToolName[] = ['pg_dump', 'pg_dumpall', 'pg_restore', 'psql'];

/*
 * Prints a line for each copy of each tool: its name, where it lies, and what it says of itself. The folders of the versions come
 * first, since Debian's wrapper on PATH would only choose among them.
 */
const listing = `
for tool in ${toolNames.join(' ')}; do
  for file in /usr/lib/postgresql/*/bin/$tool "$(command -v $tool)"; do
    [ -x "$file" ] && version=$("$file" --version 2>/dev/null) && printf '%s\\t%s\\t%s\\n' "$tool" "$file" "$version"
  done
done
exit 0`;

export function createContainerServer(options: ContainerServerOptions): PostgresServer {
  let known: Promise<PostgresTool[]> | undefined;
  /* Asked once: an image does not change under a running container. */
  const findTools = (server: PostgresServer): Promise<PostgresTool[]> => {
    known ??= listTools(server);
    known.catch(() => (known = undefined));
    return known;
  };
  return openContainer(options, findTools);
}

function openContainer(options: ContainerServerOptions, findTools: (server: PostgresServer) => Promise<PostgresTool[]>): PostgresServer {
  const { address, database, user, password } = options;
  const place = describeAddress(address);
  const login: PostgresLogin = { user, database, password, at: place };
  const server: PostgresServer = {
    login,
    withDatabase: (other) => openContainer({ ...options, database: other }, findTools),
    openSession: async () => openPsqlSession(server, chooseNewest(await findTools(server), place.container)),
    findTool: async (name, need) =>
      chooseTool(
        (await findTools(server)).filter((tool) => tool.name === name),
        { name, need, places: place.container, remedy: `Use an image that has PostgreSQL's own programs of version ${need.major}` },
      ),
    start: (command) => startInContainer(options, command),
  };
  return server;
}

function describeAddress(address: ContainerAddress): { readonly container: string; readonly exec: string } {
  return 'service' in address
    ? { container: `service ${address.service}`, exec: `docker compose exec ${address.service}` }
    : { container: `container ${address.container}`, exec: `docker exec ${address.container}` };
}

async function startInContainer({ docker, address, ...login }: ContainerServerOptions, command: ServerCommand): Promise<Subprocess> {
  const container = await docker.find(address);
  const { input } = command;
  const started = await container.exec({
    command: [command.file, ...command.args],
    environment: {
      LC_ALL: 'C',
      PGUSER: login.user,
      PGDATABASE: login.database,
      ...(login.password === undefined ? {} : { PGPASSWORD: login.password }),
    },
    ...(input === undefined ? {} : { input }),
    signal: command.signal ?? new AbortController().signal,
  });
  return asSubprocess(started);
}

function asSubprocess(started: ContainerProcess): Subprocess {
  const ended = started.ended.then(
    ({ status, stderr }): SubprocessEnd => ({
      status,
      killedBy: undefined,
      stderr,
      startFailure: undefined,
      inputFailure: undefined,
    }),
    /* The connection broke, or the input did: in both cases its error is the whole story. */
    (error: unknown): SubprocessEnd => ({
      status: undefined,
      killedBy: undefined,
      stderr: '',
      startFailure: undefined,
      inputFailure: error instanceof Error ? error : new Error(String(error)),
    }),
  );
  let isOver = false;
  void ended.then(() => (isOver = true));
  return { output: started.output, ended, stop: async () => (isOver ? undefined : stopQuietly(started)) };
}

/** What ran in a container that is gone is gone too. */
async function stopQuietly(started: ContainerProcess): Promise<void> {
  await started.kill().catch((error: unknown) => {
    if (!(error instanceof HoldfastError)) throw error;
  });
}

async function listTools(server: PostgresServer): Promise<PostgresTool[]> {
  const { stdout } = await runOnServer(server, { file: 'sh', args: ['-c', listing] }).catch((error: unknown) => {
    /* No shell: no image with PostgreSQL is without. */
    if (isError(error, 'docker-exec-failed')) return { stdout: Buffer.alloc(0) };
    throw error;
  });
  const lines = stdout.toString('utf8').split('\n');
  return lines.flatMap((line) => {
    const [toolName, path = '', text = ''] = line.split('\t');
    const name = toolNames.find((known) => known === toolName);
    const version = readToolVersion(text);
    return name === undefined || version === undefined ? [] : [{ name, path, ...version }];
  });
}

function chooseNewest(tools: readonly PostgresTool[], places: string): PostgresTool {
  const search = { name: 'psql' as const, places, remedy: "Use an image that has PostgreSQL's own programs" };
  const sessions = tools.filter(({ name }) => name === 'psql').toSorted((a, b) => b.major - a.major);
  /* From 11 on, psql tells a script whether a statement failed. */
  return chooseTool(sessions.slice(0, 1), { ...search, need: { title: `the server ${places}`, serverVersion: '11', major: 11 } });
}
