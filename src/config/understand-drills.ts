/** Drills as they are written and what they mean, and back. */
import { formatDuration, parseSize } from '../util/quantities.ts';
import type { SmokeTest } from './configuration.ts';
import type { DrillConfiguration } from './drill-configuration.ts';
import { definedOnly } from './defined-only.ts';
import { readDuration } from './quantities.ts';
import type { WrittenDrill } from './schema/drills.ts';
import { manyOf } from './understand-shared.ts';
import { understandSmokeTests } from './understand-smoke.ts';

const defaultLimitMs = 6 * 3_600_000;

export function understandDrills(written: Readonly<Record<string, WrittenDrill>>): readonly DrillConfiguration[] {
  return Object.entries(written).map(([name, drill]) => understandDrill(name, drill));
}

function understandDrill(name: string, written: WrittenDrill): DrillConfiguration {
  const { schedule, kind = 'restore', restore, into = 'temporary', compare = 'rows', assert, within, space, repository, ports } = written;
  const spaceBytes = typeof space === 'string' ? parseSize(space) : space;
  return {
    name,
    ...definedOnly({ schedule, spaceBytes, repository }),
    kind,
    components: manyOf(restore ?? []),
    into,
    compare,
    assertions: understandSmokeTests(assert),
    withinMs: (within === undefined ? undefined : readDuration(within)) ?? defaultLimitMs,
    ports: manyOf(ports ?? []),
  };
}

/** What `holdfast drill` does where no drill of the configuration is named. */
export function plainDrill(kind: DrillConfiguration['kind'], components: readonly string[]): DrillConfiguration {
  return { name: '', kind, components, into: 'temporary', compare: 'rows', assertions: [], withinMs: defaultLimitMs, ports: [] };
}

/** In the words of the file. */
export function writeDrills(drills: readonly DrillConfiguration[], writeSmoke: (test: SmokeTest) => object): object {
  return Object.fromEntries(
    drills.map(({ name, components, assertions, withinMs, spaceBytes, ports, ...rest }) => [
      name,
      definedOnly({
        ...rest,
        restore: components.length === 0 ? undefined : components,
        assert: assertions.length === 0 ? undefined : assertions.map(writeSmoke),
        within: formatDuration(withinMs),
        space: spaceBytes,
        ports: ports.length === 0 ? undefined : ports,
      }),
    ]),
  );
}
