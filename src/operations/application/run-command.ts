/** Runs a command of the configuration: on the host in the folder of the file, or inside a service. */
import type { CommandConfiguration } from '../../config/configuration.ts';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import type { Container } from '../../sources/docker/docker-engine.ts';
import { runShell } from '../../util/shell-command.ts';
import { commandEnvironment, type ApplicationTools } from './application-tools.ts';
import { composeUp, runInNewContainer } from './compose-program.ts';
import { maskSecrets } from './mask-secrets.ts';

export interface CommandRun {
  readonly command: CommandConfiguration;
  /** For messages: `the hook "before"`. */
  readonly what: string;
  /** Beside the environment of this process. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

interface CommandEnd {
  readonly status: number | undefined;
  readonly killedBy?: string | undefined;
  readonly timedOut: boolean;
  readonly startFailure?: Error | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs it to its end and returns what it printed (the last 64 KiB). Throws `command-failed` for any status but 0 and when its time was up,
 * `interrupted`, and Docker's errors.
 */
export async function runCommand(tools: ApplicationTools, { command, what, variables = {}, signal }: CommandRun): Promise<string> {
  const { environment, signal: runSignal } = tools.context;
  const stop = signal ?? runSignal;
  const end =
    command.service === undefined
      ? await runShell({
          run: command.run,
          env: { ...commandEnvironment(environment), ...variables },
          folder: tools.configuration.folder,
          withinMs: command.withinMs,
          signal: stop,
        })
      : await runInService(tools, command.service, command, variables, stop);
  if (stop.aborted) throw new HoldfastError('interrupted');
  const reason = whatIsWrong(end, command.withinMs);
  if (reason === undefined) return end.stdout;
  const place = command.service === undefined ? tools.configuration.folder : `the service "${command.service}"`;
  throw new HoldfastError('command-failed', { what, reason: maskSecrets(reason, { ...environment, ...variables }), place });
}

function whatIsWrong({ status, killedBy, timedOut, startFailure, stderr }: CommandEnd, withinMs: number): string | undefined {
  if (startFailure !== undefined) return `it could not be started (${reasonOf(startFailure)})`;
  if (timedOut) return `it was not done within ${formatLimit(withinMs)}, and was ended`;
  if (status === 0) return undefined;
  const said = stderr.trim().split('\n').slice(-5).join(' / ').slice(-1000);
  const how = status === undefined ? `signal ${killedBy ?? '?'} ended it` : `it ended with status ${status}`;
  return said === '' ? how : `${how}: ${said}`;
}

/** `90 s`, `10 min`. */
export function formatLimit(milliseconds: number): string {
  if (milliseconds < 1000) return `${milliseconds} ms`;
  return milliseconds % 60_000 === 0 && milliseconds >= 60_000 ? `${milliseconds / 60_000} min` : `${Math.round(milliseconds / 1000)} s`;
}

/** In the container that runs, or in one made for it where none does: a service may be stopped while its data is put back. */
async function runInService(
  tools: ApplicationTools,
  service: string,
  command: CommandConfiguration,
  variables: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<CommandEnd> {
  const { run, withinMs } = command;
  const docker = await tools.docker();
  const container = await docker.find({ service }).catch((error: unknown) => {
    if (isError(error, 'docker-service-missing')) return undefined;
    throw error;
  });
  if (container?.state === 'running') return runInContainer(container, command, variables, signal);
  const end = await runInNewContainer(tools, service, run, { withinMs, signal, variables });
  // The older docker-compose makes no such container where a service has the host's network: then the service is started for it.
  if (end.status === 0 || !/Cannot create container|conflicting options/.test(end.stderr)) return end;
  await composeUp(tools, [service], { start: true });
  return runInContainer(await docker.find({ service }), command, variables, signal);
}

async function runInContainer(
  container: Container,
  { run, withinMs }: CommandConfiguration,
  variables: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<CommandEnd> {
  const timeout = AbortSignal.timeout(Math.min(withinMs, 2 ** 31 - 1));
  try {
    const process = await container.exec({
      command: ['sh', '-c', run],
      environment: variables,
      signal: AbortSignal.any([signal, timeout]),
    });
    const stdout = await readTail(process.output);
    return { ...(await process.ended), timedOut: false, stdout };
  } catch (error) {
    if (timeout.aborted && !signal.aborted) return { status: undefined, timedOut: true, stdout: '', stderr: '' };
    throw error;
  }
}

async function readTail(output: AsyncIterable<Uint8Array>): Promise<string> {
  let tail = Buffer.alloc(0);
  for await (const chunk of output) {
    const all = Buffer.concat([tail, chunk]);
    tail = Buffer.from(all.subarray(Math.max(0, all.length - 64 * 1024)));
  }
  return tail.toString('utf8');
}
