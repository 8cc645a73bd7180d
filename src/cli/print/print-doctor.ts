import type { Check } from '../../operations/doctor/check.ts';
import type { KnownCheck } from '../../operations/doctor/list-of-checks.ts';
import { formatCount } from './quantities.ts';
import { formatTable, printable } from './table.ts';

const marks = { ok: '  ok ', warning: 'warn ', failed: 'FAIL ' } as const;

/** What was found on one line; below it how to put it right, with lines to paste as they are. */
export function textOfCheck({ name, status, what, do: remedy }: Check): string {
  const found = `${marks[status]} ${printable(name)}: ${printable(what)}`;
  if (remedy === undefined) return found;
  const [first = '', ...lines] = remedy.split('\n').map(printable);
  return [found, `      ${first}`, ...lines.map((line) => `          ${line}`)].join('\n');
}

export function recordOfCheck(check: Check): object {
  return { message_type: 'check', ...check };
}

export interface DoctorCounts {
  readonly ok: number;
  readonly warning: number;
  readonly failed: number;
}

export function recordOfDoctor({ ok, warning, failed }: DoctorCounts): object {
  return { message_type: 'summary', ok, warnings: warning, failed };
}

export function textOfDoctor({ ok, warning, failed }: DoctorCounts): string {
  const all = formatCount(ok + warning + failed, 'check');
  if (warning + failed === 0) return `${all}: all is well`;
  return `${all}: ${ok} well, ${formatCount(warning, 'warning')}, ${failed} failed`;
}

export function recordOfKnown({ name, group, looks }: KnownCheck): object {
  return { message_type: 'known_check', name, group, looks };
}

export function textOfKnown(checks: readonly KnownCheck[]): string {
  return formatTable(
    ['check', 'of', 'what is looked at'],
    checks.map(({ name, group, looks }) => [name, group, looks]),
  );
}
