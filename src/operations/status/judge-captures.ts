/** The newest capture of a component beside those before it. Pure. */
import { createHash } from 'node:crypto';
import type { AcceptedChange, Anomaly, Capture } from '../../policy/anomaly.ts';
import { judgeHistory } from '../../policy/judge-history.ts';
import type { AcceptedRecord } from './accepted-records.ts';
import type { CaptureFacts } from './status-facts.ts';

export interface FoundAnomaly extends Anomaly {
  /** Eight digits: the same as long as it is about the same. */
  readonly id: string;
}

export interface JudgedCaptures {
  /** The gravest first. */
  readonly anomalies: readonly FoundAnomaly[];
  readonly shrunk: boolean;
  /** What was lost, or overwritten, is known to be whole in this capture, and in none that is newer. */
  readonly lastGood?: Date;
}

/** @param captures of this component, the oldest first */
export function judgeCaptures(component: string, captures: readonly CaptureFacts[], accepted: readonly AcceptedRecord[]): JudgedCaptures {
  const newest = captures.at(-1);
  if (newest === undefined) return { anomalies: [], shrunk: false };
  const toCapture = captureReader(captures);
  const changes = accepted.flatMap((record): readonly AcceptedChange[] =>
    record.component === component ? record.changes.map((change) => ({ ...change, at: record.at })) : [],
  );
  const { anomalies, verdict } = judgeHistory(captures.map(toCapture), toCapture(newest), changes);
  const whole = anomalies.flatMap(({ isLoss, lastGood }) => (isLoss && lastGood !== undefined ? [lastGood.getTime()] : []));
  return {
    anomalies: anomalies.map((anomaly) => ({ ...anomaly, id: idOf(component, anomaly) })),
    shrunk: verdict === 'shrunk',
    ...(whole.length === 0 ? {} : { lastGood: new Date(Math.min(...whole)) }),
  };
}

function idOf(component: string, { metric, table }: Anomaly): string {
  return createHash('sha256')
    .update(JSON.stringify([component, metric, table ?? null]))
    .digest('hex')
    .slice(0, 8);
}

function captureReader(captures: readonly CaptureFacts[]): (capture: CaptureFacts) => Capture {
  const isOneDatabase = new Set(captures.flatMap(({ tables }) => Object.keys(tables ?? {}))).size === 1;
  return ({ at, bytes, files, rows, tables, seconds, churn, renamed, entropy, isBase }) => {
    const counted = tables === undefined ? (rows === undefined ? undefined : { [allTables]: rows }) : namesOf(tables, isOneDatabase);
    return {
      at,
      ...(bytes === undefined ? {} : { bytes }),
      ...(files === undefined || isBase === true ? {} : { files }),
      ...(counted === undefined ? {} : { rows: counted }),
      ...(seconds === undefined || isBase === true ? {} : { seconds }),
      ...(churn === undefined ? {} : { churn }),
      ...(renamed === undefined ? {} : { renamed }),
      ...(entropy === undefined ? {} : { entropy }),
    };
  };
}

const allTables = 'all tables';

/** `orders`, `audit.events`; with the database before it where there are several. */
function namesOf(tables: NonNullable<CaptureFacts['tables']>, isOneDatabase: boolean): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(tables).flatMap(([database, rows]) =>
      Object.entries(rows).map(([name, count]): [string, number] => {
        const table = name.startsWith('public.') ? name.slice('public.'.length) : name;
        return [isOneDatabase ? table : `${database}.${table}`, count];
      }),
    ),
  );
}
