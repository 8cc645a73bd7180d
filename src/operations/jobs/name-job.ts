import type { PlannedJob } from './plan-jobs.ts';

/** `The backup of database, uploads`, `The drill monthly`. */
export function nameOfJob({ kind, components, repository, id }: Pick<PlannedJob, 'id' | 'kind' | 'components' | 'repository'>): string {
  return kind === 'drill' || kind === 'archive' ? `The ${kind} ${id.slice(id.indexOf(':') + 1)}` : nameOfWork(kind, components, repository);
}

/** `The backup of database, uploads`, `The copy to offsite`. */
export function nameOfWork(kind: string, components: readonly string[], repository: string | undefined): string {
  const of = repository ?? components.join(', ');
  return `The ${kind}${of === '' ? '' : kind === 'copy' ? ` to ${of}` : ` of ${of}`}`;
}
