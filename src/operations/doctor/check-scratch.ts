/** The folder for clusters and files that live for minutes: drills, and restores to a moment, need it. */
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { reasonOf } from '../../errors.ts';
import { scratchPlaces } from '../point-in-time/scratch-folder.ts';
import type { Point } from '../points.ts';
import { failed, ok, sizeText, warning, type Check } from './check.ts';

/** A server's own files, before there is anything in it. */
const leastRoom = 256 * 1024 * 1024;
/** What a restore takes beside the data itself. */
const margin = 1.1;

const remedy = 'Name another folder for it, on a disk with room for what a drill restores:\nexport HOLDFAST_SCRATCH=/path/to/folder';

export interface ScratchQuestion {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stateFolder: string;
}

export async function checkScratchFolder(question: ScratchQuestion): Promise<Check> {
  const name = 'host: scratch folder';
  try {
    const { place, free } = await findScratch(question);
    const what = `${place} has ${sizeText(free)} left`;
    return free < leastRoom ? warning(name, what, remedy) : ok(name, what);
  } catch (error) {
    return failed(name, `${scratchPlaces(question).join(' and ')} cannot be written (${reasonOf(error)})`, remedy);
  }
}

/** Whether the newest point could be restored there. Nothing where the folder cannot be used, which is told by another check. */
export async function checkRoomForDrills(about: string, points: readonly Point[], question: ScratchQuestion): Promise<Check[]> {
  const newest = points.at(-1);
  const scratch = await findScratch(question).catch(() => undefined);
  if (newest === undefined || scratch === undefined) return [];
  const name = `${about}: room for drills`;
  const bytes = newest.components.reduce((sum, { snapshot }) => sum + (snapshot.summary?.total_bytes_processed ?? 0), 0);
  const what = `to restore its newest point takes about ${sizeText(bytes)}, and ${scratch.place} has ${sizeText(scratch.free)} left`;
  return [bytes * margin > scratch.free ? warning(name, what, remedy) : ok(name, what)];
}

/** Nothing is made: where a folder is not there, the nearest above it is asked. Throws why none can be used. */
async function findScratch(question: ScratchQuestion): Promise<{ readonly place: string; readonly free: number }> {
  let failure: unknown;
  for (const place of scratchPlaces(question)) {
    try {
      const folder = await nearestFolder(place);
      await access(folder, constants.W_OK | constants.X_OK);
      const { bavail, bsize } = await statfs(folder);
      return { place, free: bavail * bsize };
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function nearestFolder(place: string): Promise<string> {
  for (let at = place; ; at = dirname(at)) {
    const isThere = await access(at).then(
      () => true,
      () => false,
    );
    if (isThere || at === dirname(at)) return at;
  }
}
