/** Containers that say by their labels what a backup does to them: the labels of offen/docker-volume-backup, in its order. */
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import type { BackupLabels, LabelledCommand } from '../../sources/docker/backup-labels.ts';
import type { ApplicationComponent } from './application-sources.ts';
import type { ApplicationTools } from './application-tools.ts';
import { type StoppedWork, whileStopped } from './stopped-services.ts';

const limitMs = 10 * 60_000;

/** Whether a component is reached through Docker: only then is anybody asked for labels. */
function needsDocker({ configuration: { source } }: ApplicationComponent): boolean {
  if (source.kind === 'postgres' || source.kind === 'redis') return !('url' in source.at);
  return source.kind === 'volumes' || source.kind === 'logs' || (source.kind === 'files' && source.volume !== undefined);
}

/** Of the containers of the project. Undefined where no engine answers and something can be saved without it: what needs it fails by itself, and is told. */
async function findLabels(tools: ApplicationTools, components: readonly ApplicationComponent[]): Promise<BackupLabels | undefined> {
  try {
    const [project, docker] = [await tools.project(), await tools.docker()];
    const { readBackupLabels } = await import('../../sources/docker/backup-labels.ts');
    return readBackupLabels(await docker.containers({ project }));
  } catch (error) {
    if (isError(error, 'docker-unreachable') && !components.every(needsDocker)) return undefined;
    throw error;
  }
}

/**
 * Runs the commands before, stops who wants to stand still, works, starts them, runs the commands after. A command before that fails keeps the
 * work from being done; one after is a problem. Where Docker is down, what needs none is saved all the same. Throws `command-failed`, Docker's errors, and what the work throws.
 */
export async function withLabelledContainers<Result>(
  tools: ApplicationTools,
  components: readonly ApplicationComponent[],
  work: () => Promise<StoppedWork<Result>>,
): Promise<StoppedWork<Result>> {
  const labels = components.some(needsDocker) ? await findLabels(tools, components) : undefined;
  if (labels === undefined) return work();
  const { stopContainers } = await import('../../sources/docker/stop-services.ts');
  for (const command of labels.before) await runLabelled(tools, command);
  const { stateFolder, signal, events } = tools.context;
  const stopped = await stopContainers(await tools.docker(), labels.stop, stateFolder, signal);
  const { result: done, problems } = await whileStopped(tools, stopped, work);
  let failed = 0;
  for (const command of labels.after) {
    await runLabelled(tools, command).catch((error: unknown) => {
      failed += 1;
      events({ type: 'problem', path: command.container.name, reason: reasonOf(error) });
    });
  }
  return { result: done.result, problems: done.problems + problems + failed };
}

async function runLabelled({ context: { signal } }: ApplicationTools, { container, command, user }: LabelledCommand): Promise<void> {
  const failure = (reason: string): HoldfastError =>
    new HoldfastError('command-failed', {
      what: `the command in the labels of ${container.name}`,
      reason,
      place: `the container ${container.name}`,
    });
  const timeout = AbortSignal.timeout(limitMs);
  const either = AbortSignal.any([signal, timeout]);
  try {
    const process = await container.exec({ command, signal: either, ...(user === undefined ? {} : { user }) });
    for await (const _ of process.output);
    const { status, stderr } = await process.ended;
    if (status !== 0) throw failure(`it ended with status ${status}: ${stderr.trim().slice(-1000)}`);
  } catch (error) {
    if (timeout.aborted && !signal.aborted) throw failure('it was not done within 10 min, and was ended');
    throw error;
  }
}
