/** What is measured, in the order in which it happens to one repository. */
export const scenarioNames = ['first', 'unchanged', 'changed', 'restore', 'prune'] as const;
export type ScenarioName = (typeof scenarioNames)[number];

export const scenarioTitles: Readonly<Record<ScenarioName, string>> = {
  first: 'first backup',
  unchanged: 'backup, nothing changed',
  changed: 'backup, 1 % changed',
  restore: 'restore',
  prune: 'prune to the newest',
};

const before: Readonly<Record<ScenarioName, readonly ScenarioName[]>> = {
  first: [],
  unchanged: ['first'],
  changed: ['first'],
  restore: ['first'],
  prune: ['first', 'changed'],
};

/** The wanted scenarios and those that must have happened before them, in order. */
export function withPrerequisites(wanted: readonly ScenarioName[]): ScenarioName[] {
  return scenarioNames.filter((name) => wanted.includes(name) || wanted.some((other) => before[other].includes(name)));
}
