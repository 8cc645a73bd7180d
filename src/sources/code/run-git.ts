/** The git program, run so that it asks nothing, runs no hooks, and tells no secrets. */
import { HoldfastError } from '../../errors.ts';
import { type Subprocess, runSubprocess, startSubprocess } from '../../util/subprocess.ts';
import { hideCredentials } from './remote-url.ts';

export interface Git {
  /** Its output, for people and without secrets in the errors. Throws `git-failed`, `git-missing`, `interrupted`. */
  run(args: readonly string[], input?: AsyncIterable<Uint8Array>): Promise<string>;
  /** As `run`, and undefined where git ends with a failure. */
  ask(args: readonly string[]): Promise<string | undefined>;
  /** Its output as it comes. Ends normally only when git did; throws as `run`. */
  stream(args: readonly string[]): AsyncGenerator<Uint8Array, void, undefined>;
}

export interface GitPlace {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/* What the folder's own configuration could make git run or change in its output. */
const safely = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'diff.external=',
  'diff.renames=false',
  'core.quotePath=true',
  'color.ui=false',
  'gc.auto=0',
  'advice.detachedHead=false',
];
/** Of our own environment: what git and ssh need to find themselves, the user and the way to the network. */
const inherited =
  /^(?:PATH|HOME|USER|LOGNAME|TMPDIR|XDG_CONFIG_HOME|SSH_AUTH_SOCK|GIT_SSH_COMMAND|GIT_SSH|GIT_ASKPASS|GIT_CONFIG_\w+|GIT_SSL_\w+|https?_proxy|no_proxy|all_proxy|HTTPS?_PROXY|NO_PROXY|ALL_PROXY|SYSTEMROOT)$/;

/** Git in a folder. */
export function openGit(place: GitPlace): Git {
  const command = (args: readonly string[], input?: AsyncIterable<Uint8Array>) => ({
    file: 'git',
    args: [...safely.flatMap((setting) => ['-c', setting]), ...args],
    env: gitEnvironment(place.environment),
    folder: place.folder,
    signal: place.signal,
    ...(input === undefined ? {} : { input }),
  });
  const judge = async (ended: Subprocess['ended'], args: readonly string[]): Promise<void> => {
    const end = await ended;
    if (place.signal.aborted) throw new HoldfastError('interrupted');
    if (end.startFailure !== undefined) throw new HoldfastError('git-missing', { reason: end.startFailure.message }, end.startFailure);
    if (end.inputFailure !== undefined) throw end.inputFailure;
    if (end.status !== 0)
      throw new HoldfastError('git-failed', {
        action: `run git ${args[0] ?? ''} in ${place.folder}`,
        reason: complaintOf(end.stderr, end.status),
      });
  };
  const run = async (args: readonly string[], input?: AsyncIterable<Uint8Array>): Promise<string> => {
    const end = await runSubprocess(command(args, input), 256 * 1024 * 1024);
    await judge(Promise.resolve(end), args);
    return end.stdout.toString('utf8');
  };
  return {
    run,
    ask: async (args) => {
      try {
        return (await run(args)).replace(/\r?\n$/, '');
      } catch (error) {
        if (error instanceof HoldfastError && error.code === 'git-failed') return undefined;
        throw error;
      }
    },
    stream: async function* stream(args) {
      const child = startSubprocess(command(args));
      try {
        yield* child.output;
        await judge(child.ended, args);
      } finally {
        await child.stop();
      }
    },
  };
}

function gitEnvironment(environment: GitPlace['environment']): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) if (value !== undefined && inherited.test(name)) kept[name] = value;
  return { ...kept, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh' };
}

/** The last lines that say what is wrong. */
function complaintOf(stderr: string, status: number | undefined): string {
  const lines = stderr
    .trim()
    .split('\n')
    .filter((line) => line.trim() !== '');
  const telling = lines.filter((line) => /^(?:fatal|error):/.test(line));
  const text = (telling.length > 0 ? telling.slice(-3) : lines.slice(-3)).map((line) => line.replace(/^(?:fatal|error): /, '')).join('; ');
  return hideCredentials(text === '' ? `it ended with status ${status ?? 'unknown'}` : text)
    .replace(/\.$/, '')
    .slice(0, 1000);
}
