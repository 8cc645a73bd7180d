/** Starts services, and gives up early, with what it logged, where a container will not come up however long one waits. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, isError, toHoldfastError } from '../../errors.ts';
import type { ApplicationTools } from './application-tools.ts';
import { composeUp } from './compose-program.ts';
import { formatLimit } from './run-command.ts';
import { containersOf, createStartWatch, explainTrouble, pauseMs, watchProject, whatEnded, type Trouble } from './watch-services.ts';

/** A container that ends right after it was started runs for a moment too. */
const looksInARow = 3;

/** Starts all services of the Compose file. Throws `service-not-up`, `command-failed`, `interrupted`, Docker's errors. */
export async function startAllServices(tools: ApplicationTools): Promise<void> {
  await bringUp(tools, []);
}

/** Starts services with what they depend on, and waits until each is up. Throws as `startAllServices`. */
export async function startServices(tools: ApplicationTools, services: readonly string[], withinMs: number): Promise<void> {
  await bringUp(tools, services);
  for (const service of services) await waitForService(tools, service, withinMs);
}

/** Waits until a service is healthy where it has a health check, else until it keeps running. Throws `service-not-up`, `interrupted`, Docker's errors. */
export async function waitForService(tools: ApplicationTools, service: string, withinMs: number): Promise<void> {
  const { clock, signal } = tools.context;
  const docker = await tools.docker();
  const until = clock.now().getTime() + withinMs;
  const watch = createStartWatch(tools);
  for (let [good, before] = [0, 0]; ;) {
    const container = await docker.find({ service });
    const { state, health, restarts } = container;
    if (state === 'running' && health === 'healthy') return;
    const isGood = state === 'running' && health === undefined;
    good = isGood && restarts === before ? good + 1 : Number(isGood);
    before = restarts;
    if (good >= looksInARow) return;
    if (signal.aborted) throw new HoldfastError('interrupted');
    const trouble = watch(container) ?? whatEnded(container);
    if (trouble !== undefined) throw await explainTrouble(tools, trouble);
    if (clock.now().getTime() > until) {
      const wanted = health === undefined ? 'running' : 'healthy';
      throw await explainTrouble(tools, {
        container,
        reason: `was not ${wanted} within ${formatLimit(withinMs)} (it is ${health ?? state})`,
      });
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
  }
}

/** Compose itself waits for what a service depends on, and without end where that keeps restarting. */
async function bringUp(tools: ApplicationTools, services: readonly string[]): Promise<void> {
  const giveUp = new AbortController();
  const done = new AbortController();
  const watching = watchProject(tools, createStartWatch(tools), done.signal).then((trouble) => {
    if (trouble !== undefined) giveUp.abort();
    return trouble;
  });
  let failure: HoldfastError | undefined;
  try {
    await composeUp(tools, services, { start: true, signal: giveUp.signal });
  } catch (error) {
    failure = toHoldfastError(error);
  } finally {
    done.abort();
  }
  const trouble = await watching.catch(() => undefined);
  // What watching met is no matter where starting went well.
  if (failure === undefined) return;
  if (tools.context.signal.aborted) throw failure;
  const culprit = trouble ?? (isError(failure, 'command-failed') ? await findCulprit(tools, services, failure) : undefined);
  throw culprit === undefined ? failure : await explainTrouble(tools, culprit, failure);
}

/** Whom Compose meant when it gave up: the one that it names, or one that is in a bad way. */
async function findCulprit(tools: ApplicationTools, services: readonly string[], { message }: HoldfastError): Promise<Trouble | undefined> {
  const containers = await containersOf(tools).catch(() => []);
  const [, named, reason] = /container "?([\w.-]+)"? (is unhealthy|exited \(\d+\))/i.exec(message) ?? [];
  if (named !== undefined && reason !== undefined) {
    const container = containers.find(({ id, name }) => name === named || id.startsWith(named));
    if (container !== undefined) return { container, reason };
  }
  const troubles = containers.flatMap((container) => {
    if (container.health === 'unhealthy') return [{ container, reason: 'is unhealthy' }];
    if (container.state === 'restarting') return [{ container, reason: 'keeps restarting' }];
    return services.includes(container.service ?? '') ? (whatEnded(container) ?? []) : [];
  });
  return troubles[0];
}
