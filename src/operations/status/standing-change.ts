import { createHash } from 'node:crypto';

/** Something is not as this host knew it, and nobody said that it should be so. */
export interface StandingChange {
  readonly kind: 'repository-replaced' | 'points-gone' | 'log-lost' | 'component-dropped' | 'file-emptied';
  /** Of the configuration. */
  readonly component?: string;
  readonly repository?: string;
  readonly severity: 'warning' | 'critical';
  /** ISO 8601. */
  readonly since: string;
  /** For people, without a full stop at its end. */
  readonly sentence: string;
}

/** One that people are told of, and may say that it is meant. */
export interface ToldChange extends StandingChange {
  /** Eight digits: the same for as long as no more of the kind has happened. */
  readonly id: string;
}

/** Their sentences say how it is by now, which goes on. */
const changing = new Set<StandingChange['kind']>(['repository-replaced', 'log-lost']);

export function idOfChange({ kind, component, repository, since, sentence }: StandingChange): string {
  const mark = changing.has(kind) ? since : sentence;
  return createHash('sha256')
    .update(JSON.stringify([kind, component ?? null, repository ?? null, mark]))
    .digest('hex')
    .slice(0, 8);
}
