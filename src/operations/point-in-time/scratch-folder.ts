/** A folder for a cluster that lives for minutes: PostgreSQL's user can enter it, and what a run that died left in it is removed by the next. */
import { chmod, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError, isError } from '../../errors.ts';
import { findPostgresUser } from '../../sources/postgres/recovery/server-user.ts';
import { readProcessStart } from '../../util/process-start.ts';
import { checkPassage } from './check-target.ts';
import type { MomentContext } from './run-plan.ts';

/** HOLDFAST_SCRATCH, else beside the folder for state, else the folder for temporary files. */
export function scratchPlaces({ environment, stateFolder }: Pick<MomentContext, 'environment' | 'stateFolder'>): string[] {
  const given = environment['HOLDFAST_SCRATCH'];
  return given ? [given] : [`${stateFolder}-scratch`, join(tmpdir(), 'holdfast-scratch')];
}

/**
 * Works in a new folder, which is gone afterwards. Throws `recovery-directory` where none can be had. `forServer`, which it is by default: PostgreSQL's user
 * can enter it.
 */
export async function withScratchFolder<Result>(
  context: Pick<MomentContext, 'environment' | 'stateFolder'>,
  work: (folder: string) => Promise<Result>,
  { forServer = true }: { readonly forServer?: boolean } = {},
): Promise<Result> {
  const places = scratchPlaces(context);
  await removeForgottenScratch(context);
  const folder = join(await choosePlace(places, forServer), `${process.pid}-${await readProcessStart(process.pid)}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  await chmod(folder, 0o711);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function choosePlace(places: readonly string[], forServer: boolean): Promise<string> {
  const user = forServer ? findPostgresUser() : undefined;
  let failure: unknown;
  for (const place of places) {
    try {
      await mkdir(place, { recursive: true, mode: 0o711 });
      const found = await lstat(place);
      // Where everybody may make folders, somebody may have made this one.
      if (!found.isDirectory() || found.uid !== process.getuid?.()) throw new Error(`${place} belongs to somebody else`);
      if (user !== undefined) checkPassage(place, user);
      return place;
    } catch (error) {
      failure = error;
    }
  }
  if (isError(failure, 'recovery-directory')) throw failure;
  throw new HoldfastError(
    'recovery-directory',
    { path: places[0] ?? '', reason: 'the folder for temporary clusters cannot be made', remedy: 'Name another in HOLDFAST_SCRATCH' },
    failure,
  );
}

/** Removes the folders of runs that died. */
export async function removeForgottenScratch(context: Pick<MomentContext, 'environment' | 'stateFolder'>): Promise<void> {
  for (const place of scratchPlaces(context)) await removeForgotten(place);
}

/** Their servers end with the run that started them, and write until then. */
async function removeForgotten(place: string): Promise<void> {
  for (const name of await readdir(place).catch(() => [])) {
    const [, pid, started] = /^(\d+)-(.+)$/.exec(name) ?? [];
    if (pid === undefined || (await readProcessStart(Number(pid))) === started) continue;
    await rm(join(place, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
