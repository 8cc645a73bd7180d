import type { RunRecord } from '../../catalog/run-record.ts';
import type { Configuration } from '../../config/configuration.ts';
import { toldForMs } from './repository-memory.ts';
import type { StandingChange } from './standing-change.ts';

/** Components that backups of this configuration saved within the last week, and that stand in it no more: nobody is told that they are not saved. */
export function findDropped(
  { components, file }: Pick<Configuration, 'components' | 'file'>,
  runs: readonly RunRecord[],
  now: Date,
): readonly StandingChange[] {
  const known = new Set(components.map(({ name }) => name));
  const last = new Map<string, Date>();
  for (const { kind, configuration, status, began, components: saved } of runs) {
    if (kind !== 'backup' || configuration !== file || (status !== 'done' && status !== 'partial')) continue;
    if (now.getTime() - began.getTime() >= toldForMs) continue;
    for (const name of saved) if (!known.has(name) && (last.get(name) ?? began) <= began) last.set(name, began);
  }
  return [...last].map(([component, at]) => ({
    kind: 'component-dropped',
    component,
    severity: 'warning',
    since: at.toISOString(),
    sentence: `${component} was last saved at ${at.toISOString().slice(0, 16).replace('T', ' ')}, and does not stand in holdfast.yaml any more: nothing of it is saved from now on`,
  }));
}
