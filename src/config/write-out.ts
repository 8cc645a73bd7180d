/** A configuration in the words of the file again: nothing short, defaults filled in, secrets as they are named. */
import { formatDuration } from '../util/quantities.ts';
import type {
  BaseConfiguration,
  CommandConfiguration,
  ComponentConfiguration,
  Configuration,
  Hooks,
  RecoveryConfiguration,
  RepositoryConfiguration,
  SmokeTest,
  ScheduleConfiguration,
  SourceConfiguration,
} from './configuration.ts';
import { definedOnly } from './defined-only.ts';
import { writeArchives } from './understand-archives.ts';
import { writeDrills } from './understand-drills.ts';
import { writeNotify } from './understand-notify.ts';
import { writeMaintenance, writeObjective, writeSchedule } from './understand-schedule.ts';
import { writeServe } from './understand-serve.ts';

/** Plain values that `parseConfiguration` understands as the same configuration. */
export function writeOut(configuration: Configuration): Record<string, unknown> {
  const { schedule, objective, timezone, maintenance } = configuration;
  const { application, version, compose, repositories, components, quiesce, hooks, recovery, archives, drills, notify, serve } =
    configuration;
  return definedOnly({
    application,
    version,
    compose,
    repositories: Object.fromEntries(repositories.map((repository) => [repository.name, writeRepository(repository)])),
    components: Object.fromEntries(
      components
        .filter(({ partOf }) => partOf === undefined)
        .map((component) => [
          component.name,
          writeComponent(
            component,
            components.find(({ partOf }) => partOf === component.name),
            schedule,
          ),
        ]),
    ),
    quiesce: someOf(quiesce),
    hooks: writeHooks(hooks),
    recovery: writeRecovery(recovery),
    schedule: schedule && writeSchedule(schedule),
    objective: objective && writeObjective(objective),
    timezone,
    maintenance: writeMaintenance(maintenance),
    archives: archives && writeArchives(archives),
    drills: drills && writeDrills(drills, writeSmoke),
    notify: notify && writeNotify(notify),
    serve: serve && writeServe(serve),
  });
}

function writeRepository({ url, password, keep, credentials, storageClass, lock, limits }: RepositoryConfiguration): object {
  const hours = limits?.hours;
  return definedOnly({
    url,
    keep,
    password,
    credentials,
    class: storageClass,
    lock: lock === undefined ? undefined : { mode: lock.mode, for: `${lock.forMs / 86_400_000}d` },
    limits:
      limits === undefined
        ? undefined
        : definedOnly({ ...limits, hours: hours === undefined ? undefined : `${timeOf(hours.from)}-${timeOf(hours.to)}` }),
  });
}

/** Minutes of the day as `22:00`. */
function timeOf(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

/**
 * @param second the base backups that are written as part of it
 * @param usual what is due where a component says nothing
 */
function writeComponent(
  { source, hooks, tags, keep, schedule, objective }: ComponentConfiguration,
  second: ComponentConfiguration | undefined,
  usual: ScheduleConfiguration | undefined,
): object {
  const kind = source.kind === 'postgres-base' ? 'postgres' : source.kind;
  return definedOnly({
    [kind]: writeSource(source, second?.source),
    hooks: writeHooks(hooks),
    tags: someOf(tags),
    keep,
    schedule: schedule === undefined && usual === undefined ? undefined : writeSchedule(schedule),
    objective: objective && writeObjective(objective),
  });
}

function writeSource(source: SourceConfiguration, second: SourceConfiguration | undefined): unknown {
  switch (source.kind) {
    case 'postgres': {
      const { kind: _, at, excludeTables, ...rest } = source;
      const physical = second?.kind === 'postgres-base' ? { mode: 'both', ...writeBase(second) } : {};
      return definedOnly({ ...at, ...rest, 'exclude-tables': excludeTables, ...physical });
    }
    case 'postgres-base':
      return { ...source.at, mode: 'physical', ...writeBase(source) };
    case 'files': {
      const { paths, volume, exclude, excludeInsensitive, excludeCaches, excludeIfPresent, excludeLargerThan, oneFileSystem } = source;
      return definedOnly({
        'path': someOf(paths),
        volume,
        exclude,
        'iexclude': excludeInsensitive,
        'exclude-caches': excludeCaches,
        'exclude-if-present': excludeIfPresent,
        'exclude-larger-than': excludeLargerThan,
        'one-file-system': oneFileSystem,
      });
    }
    case 'volumes':
      return { names: source.volumes, stop: source.stop ?? false };
    case 'redis':
      return definedOnly({ ...source.at, password: source.password });
    case 'config':
      return { files: source.files, secrets: source.secrets };
    case 'logs':
      return { services: source.services, days: source.days };
    case 'code':
      return { path: source.path };
  }
}

function writeBase({ checkpoint, rate, fullEveryMs, increments, wal }: BaseConfiguration): object {
  const { slot, flushMs, synchronous } = wal;
  return {
    base: definedOnly({ full: formatDuration(fullEveryMs), increments, checkpoint, rate }),
    wal: definedOnly({ flush: formatDuration(flushMs), slot, synchronous }),
  };
}

function writeHooks({ before, after, failed }: Hooks): object | undefined {
  const written = definedOnly({ before: writeCommands(before), after: writeCommands(after), failed: writeCommands(failed) });
  return Object.keys(written).length === 0 ? undefined : written;
}

function writeCommands(commands: readonly CommandConfiguration[]): readonly object[] | undefined {
  return commands.length === 0 ? undefined : commands.map(writeCommand);
}

function writeCommand({ withinMs, ...command }: CommandConfiguration): object {
  return { ...command, within: formatDuration(withinMs) };
}

function writeRecovery({ quiesce, after, health, smoke }: RecoveryConfiguration): object | undefined {
  const written = definedOnly({
    quiesce: someOf(quiesce),
    after: writeCommands(after),
    health: health && writeLimited(health),
    smoke: smoke.length === 0 ? undefined : smoke.map(writeSmoke),
  });
  return Object.keys(written).length === 0 ? undefined : written;
}

function writeSmoke(test: SmokeTest): object {
  return 'run' in test ? writeCommand(test) : test;
}

function writeLimited({ withinMs, ...rest }: { readonly withinMs: number }): object {
  return { ...rest, within: formatDuration(withinMs) };
}

function someOf(values: readonly string[]): readonly string[] | undefined {
  return values.length === 0 ? undefined : values;
}
