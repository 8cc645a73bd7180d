/** What a person accepts of what is odd: by component or repository, or by the id of one finding. Pure. */
import type { AcceptedRecord } from './accepted-records.ts';
import type { StatusReport } from './status-report.ts';

export interface AcceptedChoice {
  readonly records: readonly AcceptedRecord[];
  /** Names that are neither a component, nor a repository, nor the id of something that is odd now. */
  readonly unknown: readonly string[];
}

/** Fewer digits of an id could be a slip. */
const leastDigits = 4;

export function chooseAccepted(
  { application, at, components, repositories, changes = [] }: StatusReport,
  names: readonly string[],
  about: Pick<AcceptedRecord, 'accepted' | 'by' | 'reason'>,
): AcceptedChoice {
  const known = [...components, ...repositories].map(({ name }) => name);
  const ids = [...components.flatMap(({ anomalies }) => anomalies), ...changes].map(({ id }) => id);
  const subjects = new Set([...known, ...changes.flatMap(({ component = [] }) => component)]);
  const unknown = names.filter((name) => !subjects.has(name) && !ids.some((id) => isNamed(id, name)));
  const records = components.flatMap(({ name, newest, anomalies }): readonly AcceptedRecord[] => {
    const isWhole = names.includes(name);
    const chosen = anomalies.filter(({ id }) => isWhole || names.some((each) => isNamed(id, each)));
    if (newest === undefined || chosen.length === 0) return [];
    const changes = chosen.map(({ metric, table }) => ({ metric, ...(table === undefined ? {} : { table }) }));
    return [{ application, component: name, at: newest.at, changes, ...about }];
  });
  const standing = changes
    .filter(({ id, component, repository }) => names.some((name) => name === component || name === repository || isNamed(id, name)))
    .map(({ id, component }): AcceptedRecord => {
      return { application, ...(component === undefined ? {} : { component }), at, changes: [], standing: [id], ...about };
    });
  return { records: [...records, ...standing], unknown };
}

function isNamed(id: string, name: string): boolean {
  return name.length >= leastDigits && id.startsWith(name);
}
