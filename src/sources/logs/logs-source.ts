/** What services logged of late, one file a service. Logs are worth keeping and worth no failed backup: what cannot be read is a problem of the run. */
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import type { EventSink } from '../../events.ts';
import type { Clock } from '../../util/clock.ts';
import type { Container, DockerEngine } from '../docker/docker-engine.ts';
import type { Source, StreamEntry } from '../source.ts';

export interface LogsSourceOptions {
  readonly component: string;
  readonly docker: DockerEngine;
  readonly project?: string;
  readonly services: 'all' | readonly string[];
  /** How far back, in days of 24 hours. */
  readonly days: number;
  readonly clock: Clock;
}

interface ServiceLog {
  readonly service: string;
  readonly containers: readonly Container[];
}

const dayMilliseconds = 86_400_000;

/** Streams `/logs/SERVICE.log`, or `/logs/SERVICE/CONTAINER.log` where a service has several containers. Throws, when described or captured, `docker-unreachable`. */
export function createLogsSource(options: LogsSourceOptions): Source {
  const { component, days, clock } = options;
  return {
    kind: 'logs',
    component,
    describe: async () => {
      const { logs } = await findLogs(options);
      const title = `logs of ${logs.map(({ service }) => service).join(', ') || 'nothing'}, ${days} ${days === 1 ? 'day' : 'days'}`;
      return { kind: 'logs', component, title, facts: { services: logs.length, days } };
    },
    capture: async ({ events, signal }) => {
      const { logs, missing } = await findLogs(options);
      for (const { service, reason } of missing) events({ type: 'problem', path: `/logs/${service}.log`, reason });
      const until = clock.now();
      const since = new Date(until.getTime() - days * dayMilliseconds);
      return { shape: 'streams', entries: listEntries(logs, { since, until, events, signal }) };
    },
  };
}

async function findLogs({
  docker,
  project,
  services,
}: LogsSourceOptions): Promise<{ logs: ServiceLog[]; missing: { service: string; reason: string }[] }> {
  const logs: ServiceLog[] = [];
  const missing: { service: string; reason: string }[] = [];
  for (const service of services === 'all' ? await allServices(docker, project) : services) {
    try {
      logs.push({ service, containers: await docker.service(service, project) });
    } catch (error) {
      if (!isError(error, 'docker-service-missing') && !isError(error, 'docker-container-missing')) throw error;
      missing.push({ service, reason: reasonOf(error) });
    }
  }
  return { logs, missing };
}

async function allServices(docker: DockerEngine, project: string | undefined): Promise<string[]> {
  const its = project ?? docker.project;
  const containers = await docker.containers({ all: true, ...(its === undefined ? {} : { project: its }) });
  return [...new Set(containers.flatMap(({ service }) => service ?? []))].toSorted();
}

interface LogRequest {
  readonly since: Date;
  readonly until: Date;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

async function* listEntries(logs: readonly ServiceLog[], request: LogRequest): AsyncGenerator<StreamEntry> {
  for (const { service, containers } of logs) {
    for (const container of containers) {
      const path = containers.length === 1 ? `/logs/${service}.log` : `/logs/${service}/${container.name}.log`;
      const lines = await beginLog(container, path, request);
      if (lines !== undefined) yield { path, modified: request.until, open: () => lines };
    }
  }
}

/** Asks for the first lines before a file is promised, because a log that cannot be read shows there. What breaks later ends the file early, and is told. */
async function beginLog(
  container: Container,
  path: string,
  { since, events, signal }: LogRequest,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const lines = container.logs(since)[Symbol.asyncIterator]();
  try {
    const first = await lines.next();
    return readOn(first, lines, (error) => {
      if (signal.aborted) throw new HoldfastError('interrupted', {}, error);
      events({ type: 'problem', path, reason: `the rest is missing: ${reasonOf(error)}` });
    });
  } catch (error) {
    events({ type: 'problem', path, reason: reasonOf(error) });
    return undefined;
  }
}

async function* readOn(
  first: IteratorResult<Uint8Array, unknown>,
  lines: AsyncIterator<Uint8Array, unknown>,
  broken: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    for (let part = first; part.done !== true; part = await lines.next()) yield part.value;
  } catch (error) {
    broken(error);
  } finally {
    await lines.return?.();
  }
}
