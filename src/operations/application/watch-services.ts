/** Watches the containers of an application for those that will not come up however long one waits, and tells what they logged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '../../errors.ts';
import { composeLabels } from '../../sources/docker/describe-container.ts';
import type { Container } from '../../sources/docker/docker-engine.ts';
import type { ApplicationTools } from './application-tools.ts';
import { readLastLines } from './service-log.ts';

/** Between two looks at the same containers. */
export const pauseMs = 500;
/** One that is unhealthy may think better of it, and one that restarts once or twice may be waiting for another. */
const patienceMs = { unhealthy: 5000, restarting: 10_000, ended: 5000 } as const;
const logReachMs = 10 * 60_000;
/** What ended longer ago was not started for what is waited for now. */
const recentMs = 5 * 60_000;

export interface Trouble {
  readonly container: Container;
  readonly reason: string;
}

/** Says whether a container that is seen again and again is in a bad way; it remembers since when. */
export type ContainerWatch = (container: Container) => Trouble | undefined;

/** For services that are being started: one that stays unhealthy is no good either. */
export function createStartWatch(tools: ApplicationTools): ContainerWatch {
  const lasts = createStopwatch(tools);
  return (container) => {
    const isUnhealthy = container.state === 'running' && container.health === 'unhealthy';
    if (lasts('unhealthy', container, isUnhealthy, !isUnhealthy)) return { container, reason: 'is unhealthy' };
    return whatRestarts(lasts, container);
  };
}

/** For an application that is asked whether it works: only what does not run counts, and what ended well may have been a job. */
export function createRunWatch(tools: ApplicationTools): ContainerWatch {
  const lasts = createStopwatch(tools);
  const since = tools.context.clock.now().getTime() - recentMs;
  return (container) => {
    const { exit } = container;
    const hasFailed = whatEnded(container) !== undefined && exit !== undefined && exit.status !== 0 && exit.at.getTime() >= since;
    if (lasts('ended', container, hasFailed, !hasFailed)) return { container, reason: `ended with status ${exit?.status ?? 1}` };
    return whatRestarts(lasts, container);
  };
}

/** Looks at all containers of the application until one is in a bad way, or until it is told that it is over. */
export async function watchProject(tools: ApplicationTools, watch: ContainerWatch, over: AbortSignal): Promise<Trouble | undefined> {
  while (!over.aborted) {
    for (const container of await containersOf(tools)) {
      const trouble = watch(container);
      if (trouble !== undefined) return trouble;
    }
    await sleep(pauseMs, undefined, { signal: over }).catch(() => {});
  }
  return undefined;
}

/** The containers of its services, those that do not run too. */
export async function containersOf(tools: ApplicationTools): Promise<Container[]> {
  const project = await tools.project();
  if (project === undefined) return [];
  const containers = await (await tools.docker()).containers({ project, all: true });
  return containers.filter(({ labels }) => labels[composeLabels.oneOff]?.toLowerCase() !== 'true');
}

export function whatEnded(container: Container): Trouble | undefined {
  return ['exited', 'dead'].includes(container.state) ? { container, reason: 'ended right after it was started' } : undefined;
}

/** The error for people: which container, what is wrong with it, and its last lines without secrets. */
export async function explainTrouble(
  { context }: ApplicationTools,
  { container, reason }: Trouble,
  cause?: unknown,
): Promise<HoldfastError> {
  const { service = container.name, name } = container;
  const log = await readLastLines(container, context.environment, new Date(context.clock.now().getTime() - logReachMs));
  const said = log === '' ? 'it logged nothing' : `it logged: ${log}`;
  return new HoldfastError('service-not-up', { service, container: name, reason, said }, cause);
}

type Stopwatch = (what: keyof typeof patienceMs, container: Container, isSo: boolean, isOver: boolean) => boolean;

/** Remembers since when each container is in a bad way. */
function createStopwatch({ context: { clock } }: ApplicationTools): Stopwatch {
  const since = new Map<string, number>();
  return (what, { id }, isSo, isOver) => {
    const now = clock.now().getTime();
    const key = `${what} ${id}`;
    if (isOver) since.delete(key);
    if (!isSo) return false;
    const began = since.get(key) ?? now;
    since.set(key, began);
    return now - began >= patienceMs[what];
  };
}

/** Between two restarts it runs for a moment. */
function whatRestarts(lasts: Stopwatch, container: Container): Trouble | undefined {
  const isSo = lasts('restarting', container, container.state === 'restarting', container.health === 'healthy');
  return isSo ? { container, reason: 'keeps restarting' } : undefined;
}
