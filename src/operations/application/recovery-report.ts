/** What a recovery did, and how long each step of it took: printed, kept in the state folder, and beside the points in the repository. */
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Repository } from '../../engine/repository.ts';
import { reasonOf } from '../../errors.ts';
import { backUp } from '../back-up.ts';
import type { LockChoice } from '../open-session.ts';
import { reportComponent } from './application-manifest.ts';
import type { ApplicationContext } from './application-tools.ts';
import { createRecordSource } from './point-source.ts';
import type { ComponentRemark, RecoveryPlan } from './recovery-plan.ts';

export interface ReportedStep {
  readonly name: string;
  /** `done-before`: by the run that this one resumed. `open`: not reached. */
  readonly status: 'done' | 'done-before' | 'failed' | 'open';
  readonly seconds?: number;
  readonly facts?: Readonly<Record<string, string | number>>;
  readonly problems?: number;
  /** Its code, sentence and hint. */
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
}

export interface RecoveryReport {
  readonly application: string;
  readonly repository: string;
  /** This machine. */
  readonly host: string;
  readonly point: RecoveryPlan['point'];
  readonly began: string;
  readonly ended: string;
  /** From the first step of the first run to the end of this one. */
  readonly seconds: number;
  /**
   * `recovered`: every step passed. `incomplete`: every step passed, and something is missing or was not restored as it was. `disproved`: smoke
   * tests failed. `failed`: a step failed, and those behind it were not begun.
   */
  readonly status: 'recovered' | 'incomplete' | 'disproved' | 'failed';
  readonly resumed: boolean;
  readonly steps: readonly ReportedStep[];
  readonly remarks: readonly ComponentRemark[];
}

/** Makes the report of these steps. */
export function makeReport(
  plan: RecoveryPlan,
  repository: Repository,
  steps: readonly ReportedStep[],
  run: { readonly began: Date; readonly ended: Date; readonly resumed: boolean },
): RecoveryReport {
  return {
    application: plan.application,
    repository: repository.location,
    host: hostname(),
    point: plan.point,
    began: run.began.toISOString(),
    ended: run.ended.toISOString(),
    seconds: (run.ended.getTime() - run.began.getTime()) / 1000,
    status: statusOf(steps, plan.remarks),
    resumed: run.resumed,
    steps,
    remarks: plan.remarks,
  };
}

function statusOf(steps: readonly ReportedStep[], remarks: readonly ComponentRemark[]): RecoveryReport['status'] {
  const failed = steps.filter(({ status }) => status === 'failed');
  if (failed.some(({ error }) => error?.code !== 'smoke-failed')) return 'failed';
  if (failed.length > 0) return 'disproved';
  const missing = remarks.some(({ point }) => point === undefined);
  return missing || steps.some(({ problems = 0 }) => problems > 0) ? 'incomplete' : 'recovered';
}

/** Keeps it on this host and, where that can be written, in the repository. What cannot be kept is a notice: the recovery is done. */
export async function keepReport(
  report: RecoveryReport,
  repository: Repository,
  lock: LockChoice,
  context: ApplicationContext,
): Promise<{ readonly file?: string; readonly point?: string }> {
  const bytes = Buffer.from(`${JSON.stringify(report, undefined, 1)}\n`);
  const name = `recovery-${report.began.replaceAll(':', '-')}.json`;
  const file = join(context.stateFolder, 'reports', name);
  const tell = (place: string) => (error: unknown) => {
    context.events({ type: 'notice', message: `The report is not kept in ${place}: ${reasonOf(error)}.` });
    return undefined;
  };
  const written = await mkdir(join(context.stateFolder, 'reports'), { recursive: true, mode: 0o700 })
    .then(() => writeFile(file, bytes, { mode: 0o600 }))
    .then(() => file, tell('the state folder'));
  const modified = new Date(report.ended);
  const source = createRecordSource(reportComponent, 'report', [{ path: `/report/${name}`, modified, open: () => once(bytes) }]);
  const order = { components: [{ source, paths: ['/report'] }], application: report.application, lock: { ...lock, noLock: false } };
  const saved = context.signal.aborted ? undefined : await backUp(repository, order, context).catch(tell('the repository'));
  return { ...(written === undefined ? {} : { file: written }), ...(saved?.pointId === undefined ? {} : { point: saved.pointId }) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
