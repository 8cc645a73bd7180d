/** From the file as it is written to what it means: shorthands written out, defaults filled in, paths absolute. */
import { resolve } from 'node:path';
import type {
  ArchiveConfiguration,
  ComponentConfiguration,
  Configuration,
  HealthConfiguration,
  RecoveryConfiguration,
  RepositoryConfiguration,
  VersionConfiguration,
} from './configuration.ts';
import type { ConfigurationFile } from './schema/schema.ts';
import { definedOnly } from './defined-only.ts';
import { understandCommands, understandHooks, understandSecret, manyOf } from './understand-shared.ts';
import { understandArchive } from './understand-archives.ts';
import { understandDrills } from './understand-drills.ts';
import { understandNotify } from './understand-notify.ts';
import { understandServe } from './understand-serve.ts';
import { understandMaintenance, understandObjective, understandSchedule } from './understand-schedule.ts';
import { understandPlace } from './understand-place.ts';
import { understandSmokeTests } from './understand-smoke.ts';
import { understandSecondSource, understandSource } from './understand-source.ts';
import { baseNameOf } from './base-backups.ts';
import { readDuration } from './quantities.ts';

const defaultHealthLimit = 2 * 60_000;
/* At least two letters: `C:\backups` is a path. */
const scheme = /^[a-z][a-z0-9+.-]+:/i;

/** What a validated file means, in this folder. */
export function understandFile(content: ConfigurationFile, file: string, folder: string, profile: string | undefined): Configuration {
  const { application, version, compose, recovery, quiesce, hooks } = content;
  return {
    file,
    folder,
    ...(profile === undefined ? {} : { profile }),
    application,
    ...(version === undefined ? {} : { version: understandVersion(version, folder) }),
    ...(compose === undefined ? {} : { compose: understandCompose(compose, folder) }),
    repositories: Object.entries(content.repositories).map(([name, repository]) => understandRepository(name, repository, folder)),
    components: Object.entries(content.components).flatMap(([name, component]) => understandComponent(name, component, content, folder)),
    quiesce: manyOf(quiesce ?? []),
    hooks: understandHooks(hooks),
    recovery: understandRecovery(recovery ?? {}),
    ...understandTimes(content),
    ...(content.archives === undefined ? {} : { archives: understandArchives(content.archives, folder) }),
    ...(content.drills === undefined ? {} : { drills: understandDrills(content.drills) }),
    ...(content.notify === undefined ? {} : { notify: understandNotify(content.notify, folder) }),
    ...(content.serve === undefined ? {} : { serve: understandServe(content.serve, folder) }),
  };
}

function understandTimes({
  schedule,
  objective,
  timezone,
  maintenance,
}: ConfigurationFile): Pick<Configuration, 'schedule' | 'objective' | 'timezone' | 'maintenance'> {
  return {
    ...definedOnly({ schedule: schedule === undefined ? undefined : understandSchedule(schedule, timezone), timezone }),
    ...(objective === undefined ? {} : { objective: understandObjective(objective) }),
    maintenance: understandMaintenance(maintenance, timezone),
  };
}

/** The base backups that `mode: both` saves beside a dump are a component of their own, with retention and size of its own. */
function understandComponent(
  name: string,
  component: ConfigurationFile['components'][string],
  { schedule: usual, timezone }: ConfigurationFile,
  folder: string,
): readonly ComponentConfiguration[] {
  const tags = manyOf(component.tags ?? []);
  const keep = component.keep === undefined ? {} : { keep: definedOnly(component.keep) };
  const written = component.schedule ?? usual;
  const schedule = written === undefined ? undefined : understandSchedule(written, timezone);
  const own = {
    name,
    source: understandSource(component, folder),
    hooks: understandHooks(component.hooks),
    tags,
    ...keep,
    ...definedOnly({ schedule, objective: component.objective && understandObjective(component.objective) }),
  };
  const second = understandSecondSource(component, folder);
  return second === undefined
    ? [own]
    : [own, { name: baseNameOf(name), source: second, hooks: understandHooks(undefined), tags, ...keep, partOf: name }];
}

function understandArchives(archives: NonNullable<ConfigurationFile['archives']>, folder: string): readonly ArchiveConfiguration[] {
  return Object.entries(archives).map(([name, archive]) =>
    understandArchive(name, archive, folder, (address) => understandAddress(address, folder)),
  );
}

function understandVersion(version: NonNullable<ConfigurationFile['version']>, folder: string): VersionConfiguration {
  if (typeof version === 'string') return { text: version };
  if (version.file !== undefined) return { file: resolve(folder, version.file) };
  return version.run === undefined ? { text: version.text ?? '' } : { run: version.run };
}

function understandCompose(compose: NonNullable<ConfigurationFile['compose']>, folder: string): NonNullable<Configuration['compose']> {
  const { file, project } = typeof compose === 'string' ? { file: compose, project: undefined } : compose;
  return { ...(file === undefined ? {} : { file: resolve(folder, file) }), ...(project === undefined ? {} : { project }) };
}

function understandRepository(
  name: string,
  repository: ConfigurationFile['repositories'][string],
  folder: string,
): RepositoryConfiguration {
  if (typeof repository === 'string') return { name, url: understandAddress(repository, folder) };
  const { url, password, keep, ...place } = repository;
  return {
    name,
    url: understandAddress(url, folder),
    ...(password === undefined ? {} : { password: understandSecret(password, folder) }),
    ...(keep === undefined ? {} : { keep: definedOnly(keep) }),
    ...understandPlace(place, folder),
  };
}

/** A URL as it is; a folder as an absolute path. */
export function understandAddress(address: string, folder: string): string {
  const [, local] = /^local:(.*)$/s.exec(address) ?? [];
  return local === undefined && scheme.test(address) ? address : resolve(folder, local ?? address);
}

function understandRecovery({ quiesce, after, health, smoke }: NonNullable<ConfigurationFile['recovery']>): RecoveryConfiguration {
  return {
    quiesce: manyOf(quiesce ?? []),
    after: understandCommands(after),
    ...(health === undefined ? {} : { health: understandHealth(health) }),
    smoke: understandSmokeTests(smoke),
  };
}

type WrittenHealth = NonNullable<NonNullable<ConfigurationFile['recovery']>['health']>;

function understandHealth(health: WrittenHealth): HealthConfiguration {
  if (typeof health === 'string') return { url: health, withinMs: defaultHealthLimit };
  const withinMs = (health.within === undefined ? undefined : readDuration(health.within)) ?? defaultHealthLimit;
  return health.service === undefined ? { url: health.url ?? '', withinMs } : { service: health.service, withinMs };
}
