/** Carries out the steps of a recovery in order, and notes each in the journal before and after it is done. */
import { HoldfastError, toHoldfastError } from '../../errors.ts';
import { doAction, type RecoveryRun } from './recovery-actions.ts';
import type { JournalState, JournalStep, RecoveryJournal } from './recovery-journal.ts';
import type { RecoveryPlan, RecoveryStep } from './recovery-plan.ts';
import type { ReportedStep } from './recovery-report.ts';

export interface StepsEnd {
  /** All steps of the plan, in order. */
  readonly steps: readonly ReportedStep[];
  /** What ended them; smoke tests that fail do not. */
  readonly failure?: HoldfastError;
}

/** Never throws for a step that fails: that is in the result. */
export async function runSteps(
  run: RecoveryRun,
  plan: RecoveryPlan,
  journal: RecoveryJournal,
  before: JournalState | undefined,
): Promise<StepsEnd> {
  const steps: ReportedStep[] = [];
  let failure: HoldfastError | undefined;
  for (const step of plan.steps) {
    const earlier = before?.steps.get(step.name);
    if (failure !== undefined) steps.push({ name: step.name, status: 'open' });
    else if (earlier?.status === 'done') steps.push(doneBefore(earlier));
    else {
      const done = await runStep(run, step, journal, earlier !== undefined);
      steps.push(done.reported);
      ({ failure } = done);
    }
  }
  return { steps, ...(failure === undefined ? {} : { failure }) };
}

async function runStep(
  run: RecoveryRun,
  { name, action }: RecoveryStep,
  journal: RecoveryJournal,
  again: boolean,
): Promise<{ reported: ReportedStep; failure?: HoldfastError }> {
  const { clock, events, signal } = run.tools.context;
  events({ type: 'phase', phase: name });
  const began = clock.now();
  const secondsSince = (): number => (clock.now().getTime() - began.getTime()) / 1000;
  await journal.note({ name, status: 'begun' });
  try {
    if (signal.aborted) throw new HoldfastError('interrupted');
    const outcome = await doAction(run, action, again);
    const done = { name, status: 'done' as const, seconds: secondsSince(), ...outcome, facts: { ...outcome.facts } };
    await journal.note(done);
    return { reported: done };
  } catch (thrown) {
    const error = toHoldfastError(thrown);
    await journal.note({ name, status: 'failed', seconds: secondsSince() });
    const { code, message, hint } = error;
    const reported: ReportedStep = { name, status: 'failed', seconds: secondsSince(), error: { code, message, hint } };
    // What one smoke test says does not keep the others from being asked.
    return action.type === 'smoke' && code === 'smoke-failed' ? { reported } : { reported, failure: error };
  }
}

function doneBefore({ name, seconds, facts, problems }: JournalStep): ReportedStep {
  return {
    name,
    status: 'done-before',
    ...(seconds === undefined ? {} : { seconds }),
    ...(facts === undefined ? {} : { facts }),
    ...(problems === undefined ? {} : { problems }),
  };
}
