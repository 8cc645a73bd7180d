/** What people do by the daemon's API and no run of a command records. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Catalog } from '../../catalog/catalog.ts';
import type { AuditEntry } from '../../observe/audit/audit-record.ts';
import type { Clock } from '../../util/clock.ts';
import { currentUser } from '../../util/current-user.ts';

export interface SignIn {
  /** The token's name; absent where nobody knows the token. */
  readonly token?: string;
  readonly role?: string;
  /** The address that it came from. */
  readonly from?: string;
  readonly accepted: boolean;
}

/** A token that keeps coming from one address is told once a day, so that a program which asks every second is one record. */
const acceptedEveryMs = 86_400_000;
const refusedEveryMs = 3_600_000;
const mostRemembered = 1000;

/**
 * Takes note of who signs in to the daemon's API, or tries to: the first time a token comes from an address each day, and the first wrong one of an
 * address each hour. The daemon has no repository open: the record waits on this host, and the next run of it that opens one to write takes it into
 * the audit trail there. Never throws.
 */
export function createSignInNotes(catalog: Catalog, clock: Clock): (signIn: SignIn) => void {
  const told = new Map<string, number>();
  return (signIn) => {
    const key = JSON.stringify([signIn.accepted, signIn.token, signIn.role, signIn.from]);
    const now = clock.now().getTime();
    const last = told.get(key);
    if (last !== undefined && Math.abs(now - last) < (signIn.accepted ? acceptedEveryMs : refusedEveryMs)) return;
    const [oldest] = told.keys();
    if (oldest !== undefined && told.size >= mostRemembered) told.delete(oldest);
    told.delete(key);
    told.set(key, now);
    try {
      catalog.auditWaiting.add(JSON.stringify(entryOf(signIn, clock.now())));
    } catch {
      // What this host cannot keep must not keep anybody out.
    }
  };
}

function entryOf({ token, role, from, accepted }: SignIn, at: Date): AuditEntry {
  return {
    event: 'sign-in',
    phase: 'ended',
    run: randomUUID(),
    at,
    by: {
      user: currentUser().username,
      host: hostname(),
      trigger: 'api',
      ...(token === undefined ? {} : { token }),
      ...(from === undefined ? {} : { from }),
    },
    what: { command: 'serve', ...(role === undefined ? {} : { role }) },
    result: { status: accepted ? 'done' : 'failed' },
  };
}

export interface CancelledRun {
  /** The name of the token. */
  readonly token: string;
  /** As it was asked for. */
  readonly run: string;
}

/** Takes note of who cancelled a run: its own records say only that it was interrupted. Never throws. */
export function noteCancelledRun(catalog: Catalog, { token, run }: CancelledRun, at: Date): void {
  const entry: AuditEntry = {
    event: 'cancel',
    phase: 'ended',
    run: randomUUID(),
    at,
    by: { user: currentUser().username, host: hostname(), trigger: 'api', token },
    what: { command: 'serve', run: run.slice(0, 100) },
    result: { status: 'done' },
  };
  try {
    catalog.auditWaiting.add(JSON.stringify(entry));
  } catch {
    // What this host cannot keep must not keep anybody from it.
  }
}
