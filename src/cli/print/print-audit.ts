import type { AuditRecord } from '../../observe/audit/audit-record.ts';
import type { TrailFinding } from '../../observe/audit/verify-trail.ts';
import type { AuditReport } from '../../operations/audit/verify-audit.ts';
import { formatCount, formatMoment } from './quantities.ts';
import { formatTable, printable } from './table.ts';

export function recordOfAudit({ at, ...record }: AuditRecord): object {
  return { message_type: 'audit', ...record, at: at.toISOString() };
}

/** One line a record; all of it with `whole`. */
export function textOfAudit(records: readonly AuditRecord[], whole: boolean): string {
  if (records.length === 0) return 'no record of the audit trail fits';
  const rows = records.map((record) => [
    formatMoment(record.at),
    String(record.sequence),
    printable(actorOf(record)),
    printable(record.by.host),
    record.event,
    record.phase === 'begun' ? 'begun' : statusOf(record),
    printable(whole ? JSON.stringify({ what: record.what, plan: record.plan, result: record.result, run: record.run }) : whatOf(record)),
  ]);
  return formatTable(['time', '>number', 'who', 'host', 'what', '', ''], rows);
}

function actorOf({ by }: AuditRecord): string {
  const name = by.token ?? (by.sudo === undefined ? by.user : `${by.sudo} as ${by.user}`);
  const how = by.trigger === 'person' ? '' : ` (${by.trigger})`;
  return `${name}${by.from === undefined ? '' : ` from ${by.from}`}${how}`;
}

const longestWhat = 100;

function whatOf({ what, result, late }: AuditRecord): string {
  const words = [what['command'], ...asList(what['arguments']), ...asList(what['file'])].map(String);
  const options = Object.entries(asObject(what['options'])).map(([name, value]) => `--${name}${value === true ? '' : ` ${String(value)}`}`);
  const point = typeof result?.['point'] === 'string' ? [`→ point ${result['point'].slice(0, 8)}`] : [];
  const line = [...words.filter((word) => word !== 'undefined'), ...options, ...point, ...(late ? ['(written later)'] : [])].join(' ');
  return line.length > longestWhat ? `${line.slice(0, longestWhat - 1)}…` : line;
}

function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined ? [] : [value];
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

export function recordOfFinding(finding: TrailFinding): object {
  return { message_type: 'audit_finding', ...finding };
}

export function textOfFinding({ kind, chain, from, to, reason }: TrailFinding): string {
  const which = from === undefined ? '' : from === to ? `record ${from} of ` : `records ${from} to ${to} of `;
  return `${kind}: ${chain === undefined ? '' : `${which}${printable(chain)}: `}${printable(reason)}`;
}

export function recordOfVerification({ chains, records, findings, accepted, unended, unrecorded }: AuditReport): object {
  return {
    message_type: 'summary',
    records,
    num_findings: findings.length,
    accepted,
    chains: chains.map(({ chain, records: count, last }) => ({
      chain,
      records: count,
      last: last?.sequence ?? null,
      hash: last?.hash ?? null,
    })),
    unended: unended.map(({ run, event, chain, sequence, at }) => ({ run, event, chain, sequence, at: at.toISOString() })),
    unrecorded,
  };
}

const mostStrange = 20;

export function textOfVerification({ chains, records, findings, accepted, unended, unrecorded }: AuditReport): string {
  const rows = chains.map(({ chain, records: count, last }) => [
    printable(chain),
    String(count),
    last === undefined ? '' : String(last.sequence),
    last?.hash.slice(0, 16) ?? '',
  ]);
  const open =
    unended.length === 0
      ? []
      : [`${formatCount(unended.length, 'run')} began and wrote no end: ${unended.length === 1 ? 'it runs' : 'they run'} still, or died`];
  const known = accepted.map((finding) => `accepted: ${textOfFinding(finding)}`);
  const end =
    findings.length === 0
      ? `nothing ${accepted.length === 0 ? '' : 'else '}is missing or changed`
      : formatCount(findings.length, 'finding');
  const strange = unrecorded
    .slice(0, mostStrange)
    .map(
      ({ id, time, host }) =>
        `the point ${id.slice(0, 8)} of ${formatMoment(new Date(time))}, host ${printable(host)}, has no record: another program made it, or a run that could not write one`,
    );
  const more = unrecorded.length > mostStrange ? [`and ${unrecorded.length - mostStrange} more points have none`] : [];
  const table = rows.length === 0 ? [] : [formatTable(['host', '>records', '>last', 'hash of the last'], rows)];
  return [
    ...table,
    ...known,
    ...open,
    ...strange,
    ...more,
    `${formatCount(records, 'record')} of ${formatCount(chains.length, 'host')}: ${end}`,
  ].join('\n');
}

function statusOf({ result }: AuditRecord): string {
  const status = result?.['status'];
  return typeof status === 'string' ? printable(status) : '';
}
