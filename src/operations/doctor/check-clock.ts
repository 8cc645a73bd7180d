/** The clock and the time zone: points are found, kept and forgotten by their times, and schedules run by them. */
import { sayDuration } from '../../policy/say-duration.ts';
import { failed, ok, warning, type Check } from './check.ts';

/** No clock that is right can say less: this check was written then. */
const writtenAt = Date.UTC(2026, 10, 1);
const largestDifferenceMs = { warning: 30_000, failed: 5 * 60_000 } as const;

/** A moment that another machine, or an earlier run, has told. */
export interface KnownTime {
  /** `the server of database`, `the newest point of repository local`. */
  readonly of: string;
  readonly at: Date;
  /** By this clock: it was said between these two. Absent for what was only written once: then later than now alone is wrong. */
  readonly between?: readonly [from: Date, to: Date];
}

/** When something is asked for the time, and when the answer has come. */
export async function askTime<Answer>(
  now: () => Date,
  ask: () => Promise<Answer>,
): Promise<{ readonly answer: Answer; readonly between: readonly [Date, Date] }> {
  const from = now();
  const answer = await ask();
  return { answer, between: [from, now()] };
}

export function checkClock(now: Date, known: readonly KnownTime[]): Check {
  const name = 'host: clock';
  const remedy = 'Set the clock that is wrong, and let it be kept right: timedatectl set-ntp true';
  if (now.getTime() < writtenAt) return failed(name, `it says ${now.toISOString()}, which is past`, remedy);
  const worst = known.map((time) => ({ ...time, ms: differenceOf(time, now) })).toSorted((a, b) => b.ms - a.ms)[0];
  if (worst === undefined || worst.ms < largestDifferenceMs.warning) {
    const compared = known.length === 0 ? '' : `, as ${known.map(({ of }) => of).join(', ')} says`;
    return ok(name, `it says ${now.toISOString()}${compared}`);
  }
  const what = `it differs by ${sayDuration(worst.ms)} from what ${worst.of} says: points get wrong times, the wrong ones are kept, and stores may refuse what is signed with them`;
  return worst.ms >= largestDifferenceMs.failed ? failed(name, what, remedy) : warning(name, what, remedy);
}

function differenceOf({ at, between }: KnownTime, now: Date): number {
  const time = at.getTime();
  if (between === undefined) return Math.max(0, time - now.getTime());
  const [from, to] = between;
  // Web servers tell whole seconds.
  return Math.max(0, from.getTime() - time - 1000, time - to.getTime());
}

/** A name in TZ that nothing knows makes programs go by UTC, without a word. */
export function checkTimeZone(environment: Readonly<Record<string, string | undefined>>, machine: string): Check {
  const name = 'host: time zone';
  const wanted = environment['TZ']?.replace(/^:/, '');
  if (wanted && !wanted.startsWith('/') && !isTimeZone(wanted))
    return warning(
      name,
      `TZ says ${wanted}, which is no time zone: schedules without one of their own go by ${machine}`,
      'Name one as the system does, such as TZ=Europe/Berlin; see what there is with: timedatectl list-timezones',
    );
  return ok(name, `schedules without a time zone of their own go by ${machine}`);
}

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    // Such as CET-1CEST, which the C library reads.
    return /^[A-Za-z]{3,}[+-]?\d/.test(zone);
  }
}
