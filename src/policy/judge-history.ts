/**
 * Whether a capture is like those before it. A number is odd when it strays from its trend and its day of the week by more than it ever
 * does, and by so much that it matters; growth, weekends and noise are not. What was lost is told until it is back, or somebody accepts that it is
 * gone. Pure.
 */
import type { AcceptedChange, AcceptedMoments, Anomaly, AnomalySubject, Capture, HistoryVerdict } from './anomaly.ts';
import { judgeContent, judgeDuration } from './content-anomaly.ts';
import { judgeLevels } from './level-anomaly.ts';

const severities = ['critical', 'warning', 'info'] as const;

/** Judges the newest capture of a component by those before it, in any order. */
export function judgeHistory(history: readonly Capture[], current: Capture, accepted: readonly AcceptedChange[] = []): HistoryVerdict {
  const earlier = history.filter(({ at }) => at < current.at);
  if (earlier.length === 0) return { verdict: 'unknown', anomalies: [] };
  const all = earlier.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  const acceptedAt = acceptedMoments(accepted);
  const found = [
    ...withoutSum(judgeLevels(all, current, acceptedAt)),
    ...judgeDuration(all, current, acceptedAt),
    ...judgeContent(all, current, acceptedAt),
  ];
  const anomalies = found.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity) || lossIn(b) - lossIn(a));
  if (anomalies.some(({ isLoss }) => isLoss)) return { verdict: 'shrunk', anomalies };
  return { verdict: anomalies.length === 0 ? 'normal' : 'odd', anomalies };
}

/** Of tables the one that lost most comes first. */
function lossIn({ metric, table, value, expected }: Anomaly): number {
  return metric === 'rows' && table !== undefined ? expected - value : 0;
}

/** Where a table was accepted, the sum of all begins anew too. */
function acceptedMoments(accepted: readonly AcceptedChange[]): AcceptedMoments {
  const moments = new Map<string, Date>();
  for (const change of accepted)
    for (const key of [keyOf(change), change.metric]) {
      const known = moments.get(key);
      if (known === undefined || known < change.at) moments.set(key, change.at);
    }
  return (subject) => moments.get(keyOf(subject));
}

function keyOf({ metric, table }: AnomalySubject): string {
  return table === undefined ? metric : `${metric} ${table}`;
}

/** Tables that are named say more than their sum. */
function withoutSum(found: readonly Anomaly[]): readonly Anomaly[] {
  const isNamed = found.some(({ table, change }) => table !== undefined && change === 'shrunk');
  return isNamed ? found.filter(({ metric, table, change }) => metric !== 'rows' || table !== undefined || change !== 'shrunk') : found;
}
