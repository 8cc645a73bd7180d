/** The compose program: what makes containers of a file. Everything else goes through the engine's own interface. */
import { HoldfastError, reasonOf } from '../../errors.ts';
import { runShell, type ShellEnd } from '../../util/shell-command.ts';
import { runSubprocess } from '../../util/subprocess.ts';
import { commandEnvironment, type ApplicationTools } from './application-tools.ts';

interface ContainerRun {
  readonly withinMs: number;
  readonly signal: AbortSignal;
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Creates services with what they depend on, networks and volumes included, and starts them where asked; all of the file where none is named.
 * The signal ends it, beside that of the run. Throws `command-failed`, `interrupted`.
 */
export async function composeUp(
  tools: ApplicationTools,
  services: readonly string[],
  { start, signal }: { readonly start: boolean; readonly signal?: AbortSignal },
): Promise<void> {
  const words = [...(await composeWords(tools)), 'up', start ? '-d' : '--no-start', ...services];
  const own = tools.context.signal;
  const either = signal === undefined ? own : AbortSignal.any([own, signal]);
  const end = await runWords(tools, words, { withinMs: upLimit, signal: either, variables: {} });
  if (tools.context.signal.aborted) throw new HoldfastError('interrupted');
  if (end.status === 0) return;
  const said = end.stderr.trim().split('\n').slice(-5).join(' / ').slice(-1000);
  throw new HoldfastError('command-failed', {
    what: words.slice(0, 2).includes('compose') ? 'docker compose up' : 'docker-compose up',
    reason: end.timedOut ? 'it was not done within 30 min, and was ended' : said || `it ended with status ${end.status ?? '?'}`,
    place: tools.configuration.folder,
  });
}

/** The file as Compose understands it, variables filled in, as YAML. Throws `command-failed`, `interrupted`. */
export async function renderCompose(tools: ApplicationTools): Promise<string> {
  const [file, ...args] = [...(await composeWords(tools)), 'config'];
  const { configuration, context } = tools;
  const env = commandEnvironment(context.environment);
  const end = await runSubprocess({ file, args, env, folder: configuration.folder, signal: context.signal });
  if (context.signal.aborted) throw new HoldfastError('interrupted');
  if (end.status === 0) return end.stdout.toString('utf8');
  throw new HoldfastError('command-failed', {
    what: 'docker compose config',
    reason: end.stderr.trim().split('\n').slice(-5).join(' / ').slice(-1000) || `it ended with status ${end.status ?? '?'}`,
    place: configuration.folder,
  });
}

/** Images may have to be fetched or built. */
const upLimit = 30 * 60_000;

/** Runs a command in a container of its own, made from a service and removed afterwards. */
export async function runInNewContainer(tools: ApplicationTools, service: string, run: string, options: ContainerRun): Promise<ShellEnd> {
  const variables = Object.keys(options.variables).flatMap((name) => ['-e', name]);
  const words = [...(await composeWords(tools)), 'run', '--rm', '-T', ...variables, service, 'sh', '-c', run];
  return runWords(tools, words, options);
}

function runWords(tools: ApplicationTools, words: readonly string[], { withinMs, signal, variables }: ContainerRun): Promise<ShellEnd> {
  const { configuration, context } = tools;
  const run = words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  return runShell({
    run: `exec ${run}`,
    env: { ...commandEnvironment(context.environment), ...variables },
    folder: configuration.folder,
    withinMs,
    signal,
  });
}

/** `docker compose`, or the older `docker-compose`, with the file and the project. */
async function composeWords({ configuration, context }: ApplicationTools): Promise<string[]> {
  const { compose } = configuration;
  const options = [
    ...(compose?.file === undefined ? [] : ['-f', compose.file]),
    ...(compose?.project === undefined ? [] : ['-p', compose.project]),
  ];
  const env = commandEnvironment(context.environment);
  const modern = await runSubprocess({ file: 'docker', args: ['compose', 'version'], env }).catch(() => undefined);
  if (modern?.status === 0) return ['docker', 'compose', ...options];
  const older = await runSubprocess({ file: 'docker-compose', args: ['version'], env }).catch(() => undefined);
  if (older?.status === 0) return ['docker-compose', ...options];
  const failure = modern?.startFailure ?? older?.startFailure;
  throw new HoldfastError('command-failed', {
    what: 'docker compose',
    reason: failure === undefined ? 'neither "docker compose" nor "docker-compose" works' : reasonOf(failure),
    place: configuration.folder,
  });
}
