/** What a tool's end says when it is not success, as an error of the catalogue. */
import { HoldfastError } from '../../errors.ts';
import type { SubprocessEnd } from '../../util/subprocess.ts';
import type { PostgresLogin } from './login.ts';
import type { ToolName } from './server.ts';
import { recognizeComplaint, summarizeComplaint } from './server-errors.ts';

/**
 * Why a tool failed: what its input threw, a known complaint, or undefined together with the tool's own words for an error of the
 * caller's choice.
 */
export function judgeEnd(name: ToolName, end: SubprocessEnd, login: PostgresLogin): { readonly known?: Error; readonly reason: string } {
  const ending =
    end.startFailure?.message ?? (end.killedBy === undefined ? describeStatus(name, end.status) : `${name} was ended by ${end.killedBy}`);
  const complaint = summarizeComplaint(end.stderr, login);
  const known = end.inputFailure ?? recognizeComplaint(end.stderr, login);
  return { reason: complaint === '' ? ending : complaint, ...(known === undefined ? {} : { known }) };
}

/** In a container the signal's number is all that is told: 128 more than it. */
function describeStatus(name: ToolName, status: number | undefined): string {
  if (status !== undefined && status > 128 && status < 160) return `${name} was ended by signal ${status - 128}`;
  return `${name} ended with status ${status ?? 'unknown'}`;
}

/** The failure of a dump. Throws nothing. */
export function dumpFailure(
  name: ToolName,
  end: SubprocessEnd,
  { login, title }: { readonly login: PostgresLogin; readonly title: string },
): Error {
  const { known, reason } = judgeEnd(name, end, login);
  return known ?? new HoldfastError('postgres-dump-failed', { title, reason });
}
