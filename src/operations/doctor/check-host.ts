/** This machine: the folder where holdfast keeps what must outlive a run, and the clock. */
import { randomUUID } from 'node:crypto';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../../errors.ts';
import { failed, ok, sizeText, warning, type Check } from './check.ts';

const leastRoom = 64 * 1024 * 1024;
/** No clock that is right can say less: this check was written then. */
const writtenAt = Date.UTC(2026, 10, 1);
const largestDifferenceMs = { warning: 60_000, failed: 3_600_000 } as const;

/** Journals of recoveries and notes of stopped services go there: a recovery cannot begin without it. */
export async function checkStateFolder(folder: string): Promise<Check> {
  const name = 'host: state folder';
  const probe = join(folder, `doctor-${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(probe, 'can be written', { mode: 0o600 });
    await rm(probe, { force: true });
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    if (free < leastRoom)
      return warning(name, `${folder} has ${sizeText(free)} left`, 'Free space there, or set HOLDFAST_STATE to another folder.');
    return ok(name, `${folder} can be written`);
  } catch (error) {
    await rm(probe, { force: true }).catch(() => {});
    const remedy = 'Let the user who runs holdfast write there, or set HOLDFAST_STATE to a folder of its own.';
    return failed(name, `${folder} cannot be written (${reasonOf(error)})`, remedy);
  }
}

/** A moment that another machine, or an earlier run, has told. */
export interface KnownTime {
  /** `the server of database`, `the newest point of repository local`. */
  readonly of: string;
  readonly at: Date;
  /** It is now, there; else only later than now is wrong. */
  readonly isNow: boolean;
}

/** Points are found, kept and forgotten by their times: a clock that is wrong makes all of that wrong. */
export function checkClock(now: Date, known: readonly KnownTime[]): Check {
  const name = 'host: clock';
  const remedy = 'Set the clock, and let it be kept right: timedatectl set-ntp true';
  if (now.getTime() < writtenAt) return failed(name, `it says ${now.toISOString()}, which is past`, remedy);
  const differences = known.map(({ of, at, isNow }) => ({
    of,
    ms: isNow ? Math.abs(at.getTime() - now.getTime()) : at.getTime() - now.getTime(),
  }));
  const worst = differences.toSorted((a, b) => b.ms - a.ms)[0];
  if (worst === undefined || worst.ms < largestDifferenceMs.warning) {
    const compared = known.length === 0 ? '' : `, as ${known.map(({ of }) => of).join(', ')} says`;
    return ok(name, `it says ${now.toISOString()}${compared}`);
  }
  const what = `it differs by ${Math.round(worst.ms / 1000)} s from what ${worst.of} says`;
  return worst.ms >= largestDifferenceMs.failed ? failed(name, what, remedy) : warning(name, what, remedy);
}
