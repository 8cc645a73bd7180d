/** How long bringing it all back should take: what drills and recoveries measured, as the repository keeps it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Repository } from '../../engine/repository.ts';
import { estimateRecovery, type Measurement } from '../../policy/objectives.ts';
import type { DrillReport } from '../drill/drill-report.ts';
import { readDrillReports } from '../drill/report-chain.ts';

export interface ExpectedDuration {
  readonly seconds: number;
  /** Where that is from, for a sentence. */
  readonly from: string;
}

export interface ExpectedRestores {
  readonly application: string;
  readonly restores: readonly {
    readonly component: string;
    /** Seconds it took on this host the last time. */
    readonly lastSeconds?: number;
  }[];
}

/** Who brings an application back does not wait longer to hear how long it takes. */
const withinMs = 10_000;

/**
 * Drills of the whole say it best; then drills of its components, one after the other; then what the steps took on this host. Undefined where
 * nothing was measured, or that cannot be read: nothing waits for it.
 */
export async function expectRecovery(repository: Repository, plan: ExpectedRestores, now: Date): Promise<ExpectedDuration | undefined> {
  const drills = await readDrills(repository, plan.application);
  const whole = plan.restores.length > 1 ? byWholeDrills(drills, now) : undefined;
  return whole ?? byComponents(drills, plan, now) ?? byThisHost(plan);
}

async function readDrills(repository: Repository, application: string): Promise<readonly DrillReport[]> {
  const over = new AbortController();
  const reading = readDrillReports(repository).then(
    ({ reports }) => reports.map(({ report }) => report).filter((report) => report.application === application),
    () => [],
  );
  const late = sleep(withinMs, [], { signal: over.signal }).catch(() => []);
  const drills = await Promise.race([reading, late]);
  over.abort();
  return drills;
}

function byWholeDrills(drills: readonly DrillReport[], now: Date): ExpectedDuration | undefined {
  const measured = drills
    .filter(({ kind, verdict }) => kind === 'full' && verdict === 'proven')
    .map(({ ended, seconds }) => measurementOf(ended, seconds));
  return estimateOf(measured, now, 'by drills of the whole');
}

/** Only where each of them was measured: half of it would be a promise that nobody can keep. */
function byComponents(drills: readonly DrillReport[], { restores }: ExpectedRestores, now: Date): ExpectedDuration | undefined {
  const each = restores.map(({ component }) => estimateOf(measurementsOf(drills, component), now, '')?.seconds);
  return sumOf(each, restores.length === 1 ? 'by drills' : 'by drills of its components');
}

function measurementsOf(drills: readonly DrillReport[], component: string): Measurement[] {
  return drills
    .filter(({ kind }) => kind !== 'check')
    .flatMap(({ ended, components }) =>
      components
        .filter(({ name, verdict }) => name === component && verdict === 'proven')
        .map(({ seconds }) => measurementOf(ended, seconds)),
    );
}

function byThisHost({ restores }: ExpectedRestores): ExpectedDuration | undefined {
  return sumOf(
    restores.map(({ lastSeconds }) => lastSeconds),
    'by the last time on this machine',
  );
}

function sumOf(each: readonly (number | undefined)[], from: string): ExpectedDuration | undefined {
  const known = each.filter((seconds) => seconds !== undefined);
  if (known.length === 0 || known.length < each.length) return undefined;
  return { seconds: known.reduce((sum, seconds) => sum + seconds, 0), from };
}

function measurementOf(ended: string, seconds: number): Measurement {
  return { at: new Date(ended), durationMs: seconds * 1000, kind: 'drill' };
}

function estimateOf(measured: readonly Measurement[], now: Date, from: string): ExpectedDuration | undefined {
  const estimate = estimateRecovery(measured, undefined, now);
  return estimate === undefined ? undefined : { seconds: Math.max(estimate.medianMs, estimate.newestMs) / 1000, from };
}
