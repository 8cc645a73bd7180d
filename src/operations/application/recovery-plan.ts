/** What a recovery will do: a plain value, made of a point and its configuration. Pure. */
import type { CommandConfiguration, Configuration, HealthConfiguration, SmokeTest } from '../../config/configuration.ts';
import { captureRank } from '../back-up.ts';
import { canBeRestored, type Point, type PointComponent } from '../points.ts';
import { maskUrls } from './mask-secrets.ts';

/** One thing to do. */
export type RecoveryAction =
  | { readonly type: 'restore'; readonly component: string; readonly snapshot: string; readonly point: string }
  | { readonly type: 'write-configuration'; readonly file: string }
  | { readonly type: 'create-services' }
  | { readonly type: 'start-services'; readonly services: readonly string[] }
  | { readonly type: 'wait-for-database'; readonly component: string }
  | { readonly type: 'stop-services'; readonly services: readonly string[] }
  | { readonly type: 'run'; readonly command: CommandConfiguration }
  | { readonly type: 'start-all' }
  | { readonly type: 'health'; readonly health: HealthConfiguration }
  | { readonly type: 'smoke'; readonly test: SmokeTest };

export interface RecoveryStep {
  /** For people, and unlike that of every other step: `restore database`. */
  readonly name: string;
  readonly action: RecoveryAction;
  /** Seconds it took on this host the last time. */
  readonly lastSeconds?: number;
}

export interface RecoveryPlan {
  readonly application: string;
  readonly point: { readonly id: string; readonly time: string; readonly host: string };
  /** SHA-256 of the configuration's text. */
  readonly configuration: string;
  readonly target?: string;
  readonly steps: readonly RecoveryStep[];
  /** Components that come from an older point than the others, or from none. */
  readonly remarks: readonly ComponentRemark[];
}

export interface ComponentRemark {
  readonly component: string;
  /** Absent where no point has it: then it stays missing. */
  readonly point?: { readonly id: string; readonly time: string };
  readonly reason: string;
}

export interface RecoverySources {
  readonly configuration: Configuration;
  readonly configurationHash: string;
  /** The point that was chosen, with its manifest. */
  readonly base: Point;
  /** All points of the same application and host, oldest first; `base` is one of them. */
  readonly points: readonly Point[];
  readonly target?: string;
  /** Seconds by component. */
  readonly lastSeconds: (component: string) => number | undefined;
}

export function planRecovery(sources: RecoverySources): RecoveryPlan {
  const { configuration, configurationHash, base, target } = sources;
  const { restores, remarks } = chooseSnapshots(sources);
  const ofKind = (...kinds: string[]): RecoveryStep[] => restores.filter(({ kind }) => kinds.includes(kind)).map(({ step }) => step);
  const data = restores
    .filter(({ kind }) => !['code', 'config', mounted].includes(kind))
    .toSorted((a, b) => captureRank(a.kind) - captureRank(b.kind))
    .map(({ step }) => step);
  const { recovery } = configuration;
  const steps: RecoveryStep[] = [
    ...ofKind('code'),
    ...ofKind('config'),
    { name: 'write the configuration', action: { type: 'write-configuration', file: configuration.file } },
    ...ofKind(mounted),
    ...preparing(configuration),
    ...data,
    ...startingCopies(configuration),
    ...recovery.after.map((command) => ({
      name: `run ${shorten(command.run)}${inside(command)}`,
      action: { type: 'run', command } as const,
    })),
    ...(usesServices(configuration) ? [{ name: 'start all services', action: { type: 'start-all' } as const }] : []),
    ...(recovery.health === undefined
      ? []
      : [{ name: nameOfHealth(recovery.health), action: { type: 'health', health: recovery.health } as const }]),
    ...recovery.smoke.map((test) => ({ name: `smoke test ${nameOfSmoke(test)}`, action: { type: 'smoke', test } as const })),
  ];
  return {
    application: configuration.application,
    point: { id: base.id, time: base.time, host: base.host },
    configuration: configurationHash,
    ...(target === undefined ? {} : { target }),
    steps: makeNamesUnique(steps),
    remarks,
  };
}

/** Files of this machine: services may mount them, and cannot start without their scripts and code. */
const mounted = 'files of this machine';

interface PlannedRestore {
  /** That of the component, or `mounted`. */
  readonly kind: string;
  readonly step: RecoveryStep;
}

/** Each component from the chosen point, or the newest before it that has it: components may be saved at times of their own. */
function chooseSnapshots({ configuration, base, points, lastSeconds }: RecoverySources): {
  restores: PlannedRestore[];
  remarks: ComponentRemark[];
} {
  const until = points.slice(0, points.findIndex(({ id }) => id === base.id) + 1);
  const restores: PlannedRestore[] = [];
  const remarks: ComponentRemark[] = [];
  for (const { name, source, partOf } of configuration.components) {
    // Where there is a dump beside it the dump comes back, and the server stays what it is.
    if (source.kind === 'logs' || partOf !== undefined) continue;
    const having = until.filter(({ components }) => components.some(({ tags }) => tags.component === name && tags.kind === source.kind));
    const point = having.findLast((each) => canBeRestored(each, componentsOf(each, name)));
    const [snapshot] = point === undefined ? [] : componentsOf(point, name);
    if (point === undefined || snapshot === undefined) {
      remarks.push({ component: name, reason: having.length === 0 ? 'no point has it' : 'no point has all that it builds on' });
      continue;
    }
    if (point.id !== base.id)
      remarks.push({
        component: name,
        point: { id: point.id, time: point.time },
        reason: point === having.at(-1) ? 'the chosen point does not have it' : 'what a newer one has of it builds on what is gone',
      });
    const seconds = lastSeconds(name);
    restores.push({
      kind: source.kind === 'files' && source.volume === undefined ? mounted : source.kind,
      step: {
        name: `restore ${name}`,
        action: { type: 'restore', component: name, snapshot: snapshot.id, point: point.id },
        ...(seconds === undefined ? {} : { lastSeconds: seconds }),
      },
    });
  }
  return { restores, remarks };
}

function componentsOf({ components }: Point, name: string): readonly PointComponent[] {
  return components.filter(({ tags }) => tags.component === name);
}

/** What must be there before data can be put back. */
function preparing(configuration: Configuration): RecoveryStep[] {
  const { components, recovery } = configuration;
  const databases = components.filter(({ source }) => source.kind === 'postgres');
  const services = databases.flatMap(({ source }) => (source.kind === 'postgres' && 'service' in source.at ? [source.at.service] : []));
  return [
    ...(usesServices(configuration) ? [{ name: 'create services', action: { type: 'create-services' } as const }] : []),
    ...(recovery.quiesce.length === 0
      ? []
      : [{ name: `stop ${recovery.quiesce.join(', ')}`, action: { type: 'stop-services', services: recovery.quiesce } as const }]),
    ...(services.length === 0 ? [] : [{ name: `start ${services.join(', ')}`, action: { type: 'start-services', services } as const }]),
    ...databases.map(({ name }) => ({ name: `wait for ${name}`, action: { type: 'wait-for-database', component: name } as const })),
  ];
}

/** Servers that come back as files were not to run before; commands may need them. */
function startingCopies({ components }: Configuration): RecoveryStep[] {
  const copies = components.filter(({ source, partOf }) => source.kind === 'postgres-base' && partOf === undefined);
  const services = copies.flatMap(({ source }) => (source.kind === 'postgres-base' && 'service' in source.at ? [source.at.service] : []));
  return [
    ...(services.length === 0 ? [] : [{ name: `start ${services.join(', ')}`, action: { type: 'start-services', services } as const }]),
    ...copies.map(({ name }) => ({ name: `wait for ${name}`, action: { type: 'wait-for-database', component: name } as const })),
  ];
}

/** Whether anything in it is a matter of Docker Compose. */
function usesServices({ compose, components, quiesce, recovery }: Configuration): boolean {
  const byComponent = components.some(
    ({ source }) =>
      source.kind === 'volumes' ||
      (source.kind === 'files' && source.volume !== undefined) ||
      ((source.kind === 'postgres' || source.kind === 'postgres-base' || source.kind === 'redis') && 'service' in source.at),
  );
  const commands = [...recovery.after, ...recovery.smoke].some((each) => 'run' in each && each.service !== undefined);
  const health = recovery.health !== undefined && 'service' in recovery.health;
  return compose !== undefined || byComponent || quiesce.length + recovery.quiesce.length > 0 || commands || health;
}

function nameOfHealth(health: HealthConfiguration): string {
  return `wait until ${'url' in health ? maskUrls(health.url) : health.service} is healthy`;
}

/** For people: what is asked. */
export function nameOfSmoke(test: SmokeTest): string {
  if ('sql' in test) return shorten(test.sql);
  if ('http' in test) return maskUrls(test.http);
  return `${shorten(test.run)}${inside(test)}`;
}

function inside({ service }: CommandConfiguration): string {
  return service === undefined ? '' : ` in ${service}`;
}

function shorten(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

/** A journal tells steps apart by their names. */
function makeNamesUnique(steps: readonly RecoveryStep[]): RecoveryStep[] {
  const seen = new Map<string, number>();
  return steps.map((step) => {
    const count = (seen.get(step.name) ?? 0) + 1;
    seen.set(step.name, count);
    return count === 1 ? step : { ...step, name: `${step.name} (${count})` };
  });
}
