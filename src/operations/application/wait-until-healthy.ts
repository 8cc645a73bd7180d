/** Waits until an application that was put back is healthy, and gives up early where its containers end or keep restarting. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthConfiguration } from '../../config/configuration.ts';
import { HoldfastError } from '../../errors.ts';
import type { ApplicationTools } from './application-tools.ts';
import { maskUrls } from './mask-secrets.ts';
import { reasonOfFetch } from './reason-of-fetch.ts';
import { formatLimit } from './run-command.ts';
import { waitForService } from './start-services.ts';
import { createRunWatch, explainTrouble, pauseMs, watchProject } from './watch-services.ts';

const requestLimitMs = 30_000;

type HealthUrl = Extract<HealthConfiguration, { readonly url: string }>;

/** Throws `not-healthy`, `service-not-up`, `interrupted`, Docker's errors where a service is meant. */
export async function waitUntilHealthy(tools: ApplicationTools, health: HealthConfiguration): Promise<void> {
  if ('service' in health) return waitForService(tools, health.service, health.withinMs);
  const [giveUp, over] = [new AbortController(), new AbortController()];
  // Not every application runs in containers: where none can be asked for, none is watched.
  const watching = watchProject(tools, createRunWatch(tools), over.signal)
    .catch(() => undefined)
    .then((trouble) => {
      if (trouble !== undefined) giveUp.abort();
      return trouble;
    });
  let reason: string | undefined;
  try {
    reason = await askUntilHealthy(tools, health, giveUp.signal);
  } finally {
    over.abort();
  }
  if (reason === undefined) return;
  const trouble = await watching;
  const failure = new HoldfastError('not-healthy', { what: maskUrls(health.url), limit: formatLimit(health.withinMs), reason });
  throw trouble === undefined ? failure : await explainTrouble(tools, trouble, failure);
}

/** Why it is not healthy after all that time, or at the moment when it is no use any more; undefined where it is. Throws `interrupted`. */
async function askUntilHealthy(tools: ApplicationTools, { url, withinMs }: HealthUrl, giveUp: AbortSignal): Promise<string | undefined> {
  const { clock, signal: interrupted } = tools.context;
  const signal = AbortSignal.any([interrupted, giveUp]);
  const until = clock.now().getTime() + withinMs;
  for (;;) {
    const reason = await whyUnhealthy(url, signal);
    if (reason === undefined) return undefined;
    if (interrupted.aborted) throw new HoldfastError('interrupted');
    if (giveUp.aborted || clock.now().getTime() + pauseMs > until) return reason;
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
  }
}

async function whyUnhealthy(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.any([signal, AbortSignal.timeout(requestLimitMs)]) });
    await answer.body?.cancel();
    return answer.status >= 200 && answer.status < 400 ? undefined : `it answers with status ${answer.status}`;
  } catch (error) {
    return reasonOfFetch(error);
  }
}
