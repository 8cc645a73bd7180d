/**
 * A private folder where the tools run, on this machine or in the container, for what pg_dump and pg_restore only take as files. A
 * small shell keeps it and removes it when its stdin ends: so also when holdfast is killed, or the connection to the container breaks.
 */
import { HoldfastError } from '../../errors.ts';
import { addressDetails } from './login.ts';
import { type PostgresServer, runOnServer } from './server.ts';

export interface WorkFolder {
  readonly path: string;
  /** Names of the files in a folder below it (`.` for itself). */
  list(folder: string): Promise<string[]>;
  read(name: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined>;
  /** Throws `postgres-room` where there is no room for it. */
  write(name: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Removes it with all that is in it. */
  remove(): Promise<void>;
}

/* Signals of the terminal reach every process: the keeper outlives those that use the folder. */
const keeper = `
trap '' INT TERM HUP QUIT
umask 077
folder=$(mktemp -d "\${TMPDIR:-/tmp}/holdfast.XXXXXXXXXX") || exit 1
printf '%s\\n' "$folder"
cat >/dev/null
rm -rf -- "$folder"`;

/** Throws `postgres-room` where there is no place for it. */
export async function makeWorkFolder(server: PostgresServer): Promise<WorkFolder> {
  const ending = Promise.withResolvers<void>();
  const child = await server.start({ file: 'sh', args: ['-c', keeper], input: until(ending.promise) });
  const output = child.output[Symbol.asyncIterator]();
  const path = await readLine(output);
  const remove = async (): Promise<void> => {
    ending.resolve();
    while ((await output.next()).done !== true);
    await child.ended;
  };
  if (path === undefined) {
    ending.resolve();
    const { stderr, inputFailure } = await child.ended;
    throw inputFailure ?? roomError(server, stderr.trim());
  }
  return {
    path,
    list: async (folder) => {
      const { stdout } = await runOnServer(server, { file: 'ls', args: ['-1A', '--', `${path}/${folder}`] });
      return stdout
        .toString('utf8')
        .split('\n')
        .filter((name) => name !== '');
    },
    read: (name, signal) => readFrom(server, `${path}/${name}`, signal),
    write: async (name, bytes, signal) => {
      const end = await runOnServer(server, {
        file: 'sh',
        args: ['-c', 'umask 077; mkdir -p -- "$(dirname -- "$1")" && exec cat >"$1"', 'sh', `${path}/${name}`],
        input: bytes,
        signal,
      });
      if (signal.aborted) throw new HoldfastError('interrupted');
      if (end.inputFailure !== undefined) throw end.inputFailure;
      if (end.status !== 0) throw roomError(server, end.stderr.trim());
    },
    remove,
  };
}

/** A dump or an archive that found no room in the folder for temporary files. */
export function roomError(server: PostgresServer, reason: string): HoldfastError {
  const { title } = addressDetails(server.login);
  return new HoldfastError('postgres-room', { title, reason: reason === '' ? 'a temporary folder could not be made' : reason });
}

async function* until(end: Promise<void>): AsyncGenerator<Uint8Array, void, undefined> {
  await end;
  /* An empty write: a generator has to have one. */
  yield new Uint8Array(0);
}

async function readLine(output: AsyncIterator<Uint8Array>): Promise<string | undefined> {
  let text = '';
  while (!text.includes('\n')) {
    const next = await output.next();
    if (next.done === true) return undefined;
    text += Buffer.from(next.value).toString('utf8');
  }
  return text.slice(0, text.indexOf('\n'));
}

async function* readFrom(server: PostgresServer, path: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const child = await server.start({ file: 'cat', args: ['--', path], signal });
  try {
    yield* child.output;
    const end = await child.ended;
    if (signal.aborted) throw new HoldfastError('interrupted');
    if (end.inputFailure !== undefined) throw end.inputFailure;
    if (end.status !== 0) throw roomError(server, end.stderr.trim());
  } finally {
    await child.stop();
  }
}
