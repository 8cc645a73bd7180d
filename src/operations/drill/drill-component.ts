/** Restores one component in the way of its kind, and judges what came of it. */
import { toHoldfastError, type ErrorCode, type HoldfastError } from '../../errors.ts';
import { holdsTemplates } from '../application/holds-templates.ts';
import { maskSecrets } from '../application/mask-secrets.ts';
import { boundLines, boundText, type DrilledComponent, type DrillVerdict } from './drill-report.ts';
import { DrillTimer, type DrillRun, type PlannedComponent, type RestoreFindings } from './drill-run.ts';

/** Never throws for what fails: that is in the report, but for an interruption. */
export async function drillComponent(run: DrillRun, component: PlannedComponent): Promise<DrilledComponent> {
  const timer = new DrillTimer(run.context);
  const began = run.context.clock.now().getTime();
  const about = {
    name: component.name,
    kind: component.kind,
    point: component.point,
    snapshot: component.snapshot.id,
  };
  const seconds = (): number => Math.max(0, run.context.clock.now().getTime() - began) / 1000;
  try {
    const { bytes, compared, mismatches, remarks } = await restore(run, component, timer);
    const lines = mismatches.map((line) => maskSecrets(line, run.tools.context.environment));
    return {
      ...about,
      verdict: mismatches.length === 0 ? 'proven' : 'disproved',
      seconds: seconds(),
      steps: timer.steps.slice(0, 1000),
      bytes,
      compared: { ...compared },
      mismatches: boundLines(lines),
      remarks: boundLines(remarks),
    };
  } catch (thrown) {
    const error = toHoldfastError(thrown);
    if (run.context.signal.aborted) throw error;
    return {
      ...about,
      verdict: verdictOf(error),
      seconds: seconds(),
      steps: timer.steps.slice(0, 1000),
      bytes: 0,
      compared: {},
      mismatches: [],
      remarks: [],
      error: describeError(error, run),
    };
  }
}

/** As it stands in a report: no secret, and bounded. */
export function describeError(
  { code, message, hint }: HoldfastError,
  { tools }: Pick<DrillRun, 'tools'>,
): NonNullable<DrilledComponent['error']> {
  const { environment } = tools.context;
  return { code, message: boundText(maskSecrets(message, environment)), hint: boundText(maskSecrets(hint, environment)) };
}

async function restore(run: DrillRun, component: PlannedComponent, timer: DrillTimer): Promise<RestoreFindings> {
  switch (component.kind) {
    case 'postgres':
      return (await import('./drill-database.ts')).drillDatabase(run, component, timer);
    case 'postgres-base':
      return (await import('./drill-base.ts')).drillBase(run, component, timer);
    case 'redis':
      return (await import('./drill-redis.ts')).drillRedis(run, component, timer);
    case 'files': {
      const files = await import('./drill-files.ts');
      const isVolume = component.source?.kind === 'files' && component.source.volume !== undefined;
      return isVolume ? files.drillVolumes(run, component, timer) : files.drillFiles(run, component, timer);
    }
    case 'volumes':
      return (await import('./drill-files.ts')).drillVolumes(run, component, timer);
    case 'code':
      return (await import('./drill-records.ts')).drillCode(run, component, timer);
    case 'config':
      return (await holdsTemplates(run.repository, component.snapshot))
        ? (await import('./drill-records.ts')).drillTemplates(run, component, timer)
        : (await import('./drill-files.ts')).drillFiles(run, component, timer);
    default:
      return (await import('./drill-records.ts')).drillReading(run, component, timer);
  }
}

/** What stands in the way of trying says nothing about the point. Everything else does: what cannot be restored is disproved. */
const inTheWay: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'usage',
  'internal',
  'locked',
  'lock-lost',
  'secret-unreadable',
  'component-unknown',
  'postgres-url',
  'postgres-unreachable',
  'postgres-login',
  'postgres-permission',
  'postgres-restore-permission',
  'postgres-restore-full',
  'postgres-tools-missing',
  'postgres-tools-old',
  'server-programs-missing',
  'recovery-directory',
  'target-full',
  'target-unusable',
  'storage-full',
  'storage-denied',
  'storage-failed',
  'storage-refused',
  'git-missing',
  'drill-space',
  'drill-not-possible',
  'values-missing',
]);

export function verdictOf({ code }: HoldfastError): DrillVerdict {
  return inTheWay.has(code) || code.startsWith('docker-') ? 'failed' : 'disproved';
}
