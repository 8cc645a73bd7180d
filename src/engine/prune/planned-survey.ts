import type { PrunePlan } from './prune-plan.ts';
import type { Survey } from './survey-repository.ts';

/** What a plan was made from, for as long as somebody holds the plan: executing it in the same run need not look again. */
const surveys = new WeakMap<PrunePlan, Survey>();

export function rememberSurvey(plan: PrunePlan, survey: Survey): void {
  surveys.set(plan, survey);
}

/** Given once: after executing, the survey is no longer true. */
export function takeSurvey(plan: PrunePlan): Survey | undefined {
  const survey = surveys.get(plan);
  surveys.delete(plan);
  return survey;
}
