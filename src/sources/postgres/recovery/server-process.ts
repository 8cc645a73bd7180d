/**
 * A server that runs for as long as holdfast does: a small shell beside it waits on a pipe from this process, so that the server is stopped however
 * this process ends.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PassThrough, type Readable } from 'node:stream';
import { advance, noProgress, readLogLine, type RecoveryProgress } from './server-log.ts';
import type { Settings } from './recovery-target.ts';
import type { ServerUser } from './server-user.ts';

export interface ServerStart {
  /** As the server sees it. */
  readonly dataDirectory: string;
  /** On its command line, where they count above all files. */
  readonly settings: Settings;
  readonly user: ServerUser | undefined;
  /** Told what is known whenever that grows. */
  readonly onProgress: (progress: RecoveryProgress) => void;
}

export interface ServerProcess {
  readonly progress: () => RecoveryProgress;
  /** The last lines of its log. */
  readonly log: () => readonly string[];
  /** Resolves with the first progress that fits, or when the server has ended. Never rejects. */
  until(fits: (progress: RecoveryProgress) => boolean): Promise<'reached' | 'ended'>;
  /** Stops it: finishing what it has begun to write. Resolves when it is gone. */
  stop(): Promise<void>;
}

/** A server that runs, wherever. */
export interface ServerBody {
  readonly log: Readable;
  /** Resolves when it has ended, whyever. */
  readonly ended: Promise<void>;
  /** Ends the pipe that the shell beside it waits on. */
  finish(): void;
}

const keptLines = 200;

/** Said on the guard's standard input before its end: whoever started the server asks for it to stop. */
export const stopWord = 'stop';

/**
 * Runs its arguments until they end, or its standard input does. A signal that comes before the server listens for it is lost, so it is sent until it is heard.
 * A server whose starter has died without a word is not waited for: what does not stop by SIGINT, a server that hangs while it recovers, is ended by SIGQUIT,
 * after which it recovers when it is started again.
 */
export const guard = `
"$@" 3<&- &
server=$!
exec 3<&0
{
  word=$(cat <&3)
  asked=0
  while kill -INT $server; do
    sleep 1
    asked=$((asked + 1))
    [ "$word" != ${stopWord} ] && [ $asked -gt 15 ] && kill -QUIT $server
  done
} >/dev/null 2>&1 &
guard=$!
exec 3<&-
wait $server
status=$?
while kill -0 $server 2>/dev/null; do wait $server; status=$?; done
kill $guard 2>/dev/null
exit $status
`;

/** The settings as arguments of `postgres`. */
export function argumentsOf({ dataDirectory, settings }: Pick<ServerStart, 'dataDirectory' | 'settings'>): string[] {
  return ['-D', dataDirectory, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** Starts a server on this machine; `program` is the path of `postgres`. Never throws: one that cannot be started has ended. */
export function startServer(program: string, start: ServerStart): ServerProcess {
  const { user, onProgress } = start;
  const child = spawn('sh', ['-c', guard, 'holdfast-server', program, ...argumentsOf(start)], {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
    ...(user === undefined ? {} : user),
  });
  child.stdin.on('error', () => {});
  const log = new PassThrough();
  child.stderr.pipe(log);
  const ended = new Promise<void>((resolve) => {
    /* What the shell leaves waiting on the pipe holds nothing else, and goes with it. */
    child.once('exit', () => child.stdin.end());
    child.once('close', () => resolve());
    child.once('error', (error) => {
      if (!log.writableEnded) log.end(`FATAL:  it could not be started: ${error.message}\n`);
      resolve();
    });
  });
  return watchServer({ log, ended, finish: () => child.stdin.end(stopWord) }, onProgress);
}

/** Reads the log of a server that runs. */
export function watchServer(body: ServerBody, onProgress: ServerStart['onProgress']): ServerProcess {
  return new WatchedServer(body, onProgress);
}

class WatchedServer implements ServerProcess {
  readonly #body: ServerBody;
  readonly #lines: string[] = [];
  readonly #ended: Promise<void>;
  readonly #onProgress: (progress: RecoveryProgress) => void;
  readonly #waiting = new Set<() => void>();
  #progress = noProgress;

  constructor(body: ServerBody, onProgress: (progress: RecoveryProgress) => void) {
    this.#body = body;
    this.#onProgress = onProgress;
    const reader = createInterface({ input: body.log, crlfDelay: Infinity });
    const read = new Promise<void>((resolve) => reader.once('close', () => resolve()));
    reader.on('line', (line) => this.#take(line));
    this.#ended = Promise.all([body.ended, read]).then(() => {});
  }

  progress(): RecoveryProgress {
    return this.#progress;
  }

  log(): readonly string[] {
    return this.#lines;
  }

  async until(fits: (progress: RecoveryProgress) => boolean): Promise<'reached' | 'ended'> {
    if (fits(this.#progress)) return 'reached';
    const reached = Promise.withResolvers<'reached'>();
    const look = (): void => {
      if (fits(this.#progress)) reached.resolve('reached');
    };
    this.#waiting.add(look);
    try {
      return await Promise.race([reached.promise, this.#ended.then((): 'ended' => 'ended')]);
    } finally {
      this.#waiting.delete(look);
    }
  }

  async stop(): Promise<void> {
    this.#body.finish();
    await this.#ended;
  }

  #take(text: string): void {
    this.#lines.push(text);
    if (this.#lines.length > keptLines) this.#lines.shift();
    const line = readLogLine(text);
    if (line === undefined) return;
    const next = advance(this.#progress, line);
    if (next === this.#progress) return;
    this.#progress = next;
    this.#onProgress(next);
    for (const look of this.#waiting) look();
  }
}
