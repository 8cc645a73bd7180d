/** The work of a drill, kind by kind. */
import { checkComponent, checkWhole } from './drill-check.ts';
import { drillComponent } from './drill-component.ts';
import type { DrilledComponent, DrillReport, DrillVerdict } from './drill-report.ts';
import { DrillTimer, type DrillRun } from './drill-run.ts';
import { makeAssertions } from './make-assertions.ts';
import { checkSpace } from './measure-space.ts';
import type { DrillPlan } from './plan-drill.ts';

export interface DrillOutcome extends Pick<DrillReport, 'assertions' | 'steps' | 'error'> {
  readonly components: readonly DrilledComponent[];
  /** What is wrong with the whole, a line each. */
  readonly findings: readonly string[];
  /** What somebody should know, a sentence each. */
  readonly remarks?: readonly string[];
  /** Of the whole, where something ended it. */
  readonly verdict?: DrillVerdict;
}

/** Tells how far it is after each part. Throws what ends the whole of it. */
export async function doDrill(run: DrillRun, plan: DrillPlan, tell: (outcome: DrillOutcome) => void): Promise<DrillOutcome> {
  const { kind } = run.drill;
  if (kind === 'full') return (await import('./beside/drill-full.ts')).drillFull(run, plan, tell);
  const timer = new DrillTimer(run.context);
  const components: DrilledComponent[] = [];
  const findings = kind === 'check' ? await checkWhole(run, timer) : [];
  if (kind === 'restore') await timer.time('look for room', () => checkSpace(run, plan.components));
  const outcome = (assertions: DrillOutcome['assertions']): DrillOutcome => ({ components, steps: timer.steps, assertions, findings });
  for (const component of plan.components) {
    components.push(await (kind === 'check' ? checkComponent(run, component) : drillComponent(run, component)));
    tell(outcome([]));
  }
  return outcome(await makeAssertions(run));
}
